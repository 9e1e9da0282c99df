package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.varve.core.Tool;
import io.varve.embedded.stack.Installation;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/** A Linux guest in QEMU, emulated; its first process is {@code scripts/guest-init.sh}, which tells what it writes. */
final class LinuxGuest implements AutoCloseable {
    private static final long NANOS_MAX = TimeUnit.MINUTES.toNanos(4);
    private static final long POLL_MILLIS = 50;
    private static final int OVERWRITTEN_AT_BYTES = 500_000;
    // The kernel takes a slow machine for a broken timer, unless it's told not to look.
    private static final String KERNEL = "console=ttyS0 quiet panic=-1 no_timer_check ";

    private final Path folder;
    private final Process process;
    private final long endNanos = System.nanoTime() + NANOS_MAX;

    private LinuxGuest(Path folder, List<String> devices, String parameters) throws IOException, InterruptedException {
        this.folder = folder;
        Path home = Installation.find().home();
        Tool.run(home.resolve("scripts/guest-parts.sh").toString()).success();
        Path parts = home.resolve(".build/guest");
        List<String> command = new ArrayList<>(List.of("qemu-system-x86_64", "-machine", "pc,accel=tcg"));
        command.addAll(List.of("-cpu", "max", "-m", "256", "-nographic", "-nodefaults", "-no-reboot"));
        command.addAll(List.of("-monitor", "none", "-serial", "file:" + console()));
        command.addAll(List.of("-kernel", parts.resolve("vmlinuz").toString()));
        command.addAll(List.of("-initrd", parts.resolve("initramfs").toString()));
        command.addAll(List.of("-append", KERNEL + parameters));
        command.addAll(devices);
        process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("qemu.log").toFile())
                .start();
    }

    /** Its drive is a virtual disk, whose content QEMU's own NBD client gets from a Unix socket. */
    static LinuxGuest onVirtualDisk(Path folder, Path socket, String export) throws IOException, InterruptedException {
        String drive = "driver=nbd,node-name=drive,discard=unmap,reconnect-delay=120,server.type=unix,server.path="
                + socket + ",export=" + export;
        return new LinuxGuest(folder, List.of("-blockdev", drive, "-device", "virtio-blk-pci,drive=drive"), "");
    }

    /** Its drive is the kernel's own NBD client, which reaches the host's port by the guest's network. */
    static LinuxGuest onKernelsNbd(Path folder, int port, String export) throws IOException, InterruptedException {
        List<String> network = List.of("-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile=");
        return new LinuxGuest(folder, network, "VARVE_NBD=10.0.2.2:" + port + ":" + export);
    }

    /** Waits until it has said that. */
    void await(String said) throws IOException, InterruptedException {
        while (!has(said)) {
            // What was said last is read once more.
            if (process.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS) && !has(said)) {
                throw failed("the guest ended before it said '" + said + "'");
            }
            checkTime();
        }
    }

    /** Waits until it has powered off; it must have done everything. */
    void awaitPowerOff() throws IOException, InterruptedException {
        while (!process.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
            checkTime();
        }
        if (process.exitValue() != 0 || !has("done")) {
            throw failed("the guest ended with exit code " + process.exitValue());
        }
    }

    /** What it must leave in an image: a clean file system, with the files as written. */
    static void assertIsWritten(Path image) throws IOException, InterruptedException {
        Tool.run("/sbin/e2fsck", "-fn", image.toString()).success();
        byte[] numbers = numbers(1, 1, 200_000);
        byte[] over = "overwritten\n".getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(over, 0, numbers, OVERWRITTEN_AT_BYTES, over.length);
        assertHolds(image, "numbers", numbers);
        for (int round = 1; round <= 8; round++) {
            assertHolds(image, "folder/" + round, numbers(round, 3, 60_000));
        }
    }

    private static void assertHolds(Path image, String file, byte[] expected) throws IOException, InterruptedException {
        Path dumped = Files.createTempFile(image.getParent(), "dumped", ".file");
        String said = Tool.run("/sbin/debugfs", "-R", "dump /" + file + " " + dumped, image.toString())
                .success();
        Path wanted = Files.write(Files.createTempFile(image.getParent(), "wanted", ".file"), expected);
        assertEquals(-1, Files.mismatch(wanted, dumped), () -> file + " in " + image + ": " + said);
    }

    /** As seq says them. */
    private static byte[] numbers(int first, int step, int last) {
        return LongStream.iterate(first, n -> n <= last, n -> n + step)
                .mapToObj(n -> n + "\n")
                .collect(Collectors.joining())
                .getBytes(StandardCharsets.US_ASCII);
    }

    private boolean has(String said) throws IOException {
        return Files.exists(console())
                && Files.readString(console(), StandardCharsets.ISO_8859_1).contains("guest: " + said);
    }

    private void checkTime() throws IOException {
        if (System.nanoTime() > endNanos) {
            throw failed("the guest didn't end in time");
        }
    }

    private AssertionError failed(String how) throws IOException {
        String console = Files.exists(console()) ? Files.readString(console(), StandardCharsets.ISO_8859_1) : "";
        return new AssertionError(
                how + "; QEMU says: " + Files.readString(folder.resolve("qemu.log")) + "\nits console: " + console);
    }

    private Path console() {
        return folder.resolve("console.log");
    }

    @Override
    public void close() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }
}
