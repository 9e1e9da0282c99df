package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.formats.nbd.NbdAddress;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** QEMU's own storage daemon, commanded by QMP. */
final class QemuDaemon implements AutoCloseable {
    private static final long SECONDS_MAX = 30;

    private final Process process;
    private final QmpClient monitor;

    private QemuDaemon(Process process, QmpClient monitor) {
        this.process = process;
        this.monitor = monitor;
    }

    /** @param folder for its socket and its log */
    static QemuDaemon start(Path folder) throws Exception {
        Path socket = folder.resolve("qemu.sock");
        Files.deleteIfExists(socket);
        File log = folder.resolve("qemu.log").toFile();
        Process process = new ProcessBuilder(List.of(
                        "qemu-storage-daemon",
                        "--chardev",
                        "socket,id=qmp,server=on,wait=off,path=" + socket,
                        "--monitor",
                        "chardev=qmp"))
                .redirectErrorStream(true)
                .redirectOutput(log)
                .start();
        long startNanos = System.nanoTime();
        while (true) {
            try {
                return new QemuDaemon(process, QmpClient.negotiated(new NbdAddress.Unix(socket.toString())));
            } catch (IOException e) {
                boolean isLate = System.nanoTime() - startNanos > TimeUnit.SECONDS.toNanos(SECONDS_MAX);
                if (isLate || !process.isAlive()) {
                    process.destroyForcibly();
                    throw new IOException("no monitor of qemu-storage-daemon: " + Files.readString(log.toPath()), e);
                }
                Thread.onSpinWait();
            }
        }
    }

    QmpClient monitor() {
        return monitor;
    }

    /** Opens a qcow2 image as a node. */
    void open(String node, Path image, boolean readOnly) {
        monitor.run("{'execute': 'blockdev-add', 'arguments': {'driver': 'qcow2', 'node-name': '" + node
                + "', 'read-only': " + readOnly + ", 'file': {'driver': 'file', 'filename': '" + image + "'}}}");
    }

    /** As {@code kill -9} does. */
    void killNow() throws InterruptedException {
        process.destroyForcibly();
        assertTrue(process.waitFor(SECONDS_MAX, TimeUnit.SECONDS));
    }

    /** Ends it in order, which stores bitmaps. */
    @Override
    public void close() throws InterruptedException {
        if (process.isAlive()) {
            monitor.run("{'execute': 'quit'}");
            boolean ended = process.waitFor(SECONDS_MAX, TimeUnit.SECONDS);
            process.destroyForcibly();
            assertTrue(ended, "qemu-storage-daemon doesn't end");
        }
    }
}
