package io.varve.chaos;

import io.varve.formats.nbd.NbdUri;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * A drive that fio writes through its NBD engine: many writes in flight all the time, and once a round a part of it
 * completely, with fio's own checksums, which fio verifies in what was restored. Thread: its owner's only.
 */
final class FioGuest implements AutoCloseable {
    static final String DRIVE = "fio";
    static final long DRIVE_BYTES = 16L << 20;

    private static final long PATIENCE_SECONDS = 180;
    private static final long RETRY_MILLIS = 100;

    private final NbdUri uri;
    private final Path folder;
    private Optional<Load> load = Optional.empty();
    private int fills;

    /** @param folder for what fio says */
    FioGuest(NbdUri uri, Path folder) {
        this.uri = uri;
        this.folder = folder;
    }

    /** Writes all the time; a fio whose agent died ends, and another one begins. Thread: one of its own. */
    private final class Load {
        private final List<String> command;
        private final Thread thread = Thread.ofPlatform().daemon().name("fio").unstarted(this::run);
        private final Thread hook = Thread.ofPlatform().name("fio-end").unstarted(this::kill);
        private volatile boolean stopped;
        private volatile Optional<Process> process = Optional.empty();

        Load(List<String> command) {
            this.command = List.copyOf(command);
        }

        private void run() {
            try {
                while (!stopped) {
                    Process fio = start(command, folder.resolve("fio-load.log"));
                    process = Optional.of(fio);
                    if (stopped) {
                        fio.destroyForcibly();
                    }
                    fio.waitFor();
                    TimeUnit.MILLISECONDS.sleep(RETRY_MILLIS);
                }
            } catch (IOException | InterruptedException e) {
                process.ifPresent(Process::destroyForcibly);
            }
        }

        private void kill() {
            stopped = true;
            process.ifPresent(Process::destroyForcibly);
        }

        void stop() throws InterruptedException {
            kill();
            thread.join();
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException e) {
                // The process ends already, and fio with it.
                return;
            }
        }
    }

    /** Begins to write in the first half of the drive. */
    void startLoad(long seed) {
        List<String> command = new ArrayList<>(List.of(
                "fio",
                "--thread",
                "--name=load",
                "--ioengine=nbd",
                "--uri=" + uri,
                "--rw=randwrite",
                "--bs=4k",
                "--iodepth=8"));
        command.addAll(List.of(
                "--offset=0", "--size=8m", "--time_based", "--runtime=3600", "--rate_iops=400", "--randseed=" + seed));
        Load begun = new Load(command);
        // A fio outlives its parent, and whose server is gone tries again without a pause.
        Runtime.getRuntime().addShutdownHook(begun.hook);
        load = Optional.of(begun);
        begun.thread.start();
    }

    void stopLoad() throws InterruptedException {
        if (load.isPresent()) {
            load.get().stop();
            load = Optional.empty();
        }
    }

    /**
     * Writes a part of the second half, each block once.
     *
     * @param seed from which fio draws; {@link #objection} wants the same
     */
    void fill(long seed) throws IOException, InterruptedException, RoundFailedException {
        fills++;
        List<String> command = verified(seed);
        command.addAll(List.of("--ioengine=nbd", "--uri=" + uri, "--iodepth=16", "--do_verify=0"));
        Path log = folder.resolve("fio-fill.log");
        if (run(command, log) != 0) {
            throw new RoundFailedException("fio couldn't write through NBD; see " + log);
        }
    }

    /** What fio finds wrong in a raw image that was restored from a cut after {@link #fill}; empty when nothing. */
    Optional<String> objection(Path raw, long seed) throws IOException, InterruptedException {
        List<String> command = verified(seed);
        command.addAll(List.of("--ioengine=psync", "--filename=" + raw, "--verify_only", "--verify_fatal=1"));
        Path log = folder.resolve("fio-verify.log");
        return run(command, log) == 0
                ? Optional.empty()
                : Optional.of(
                        "fio finds drive " + DRIVE + " wrong in fill " + fills + " of seed " + seed + "; see " + log);
    }

    private static List<String> verified(long seed) {
        return new ArrayList<>(List.of(
                "fio",
                "--thread",
                "--name=verified",
                "--rw=randwrite",
                "--bs=4k",
                "--offset=8m",
                "--size=2m",
                "--verify=crc32c",
                "--verify_state_save=0",
                "--randseed=" + seed));
    }

    private static int run(List<String> command, Path log) throws IOException, InterruptedException {
        Process fio = start(command, log);
        if (!fio.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            fio.destroyForcibly();
            throw new IOException(String.join(" ", command) + " didn't end within " + PATIENCE_SECONDS + " s");
        }
        return fio.exitValue();
    }

    private static Process start(List<String> command, Path log) throws IOException {
        // fio keeps its state files where it runs.
        return new ProcessBuilder(command)
                .directory(Files.createDirectories(log.toAbsolutePath().getParent())
                        .toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
    }

    @Override
    public void close() throws InterruptedException {
        stopLoad();
    }
}
