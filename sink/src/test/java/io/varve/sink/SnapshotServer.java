package io.varve.sink;

import io.varve.core.drive.SyncPointMark.SnapshotExport;
import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The real qemu-nbd with one export. */
final class SnapshotServer implements AutoCloseable {
    private final Process process;
    private final Path socket;
    private final String exportName;

    private SnapshotServer(Process process, Path socket, String exportName) {
        this.process = process;
        this.socket = socket;
        this.exportName = exportName;
    }

    /** Serves a raw file, which nobody may write meanwhile. */
    static SnapshotServer raw(Path image, String exportName) throws IOException {
        return start(exportName, "-f", "raw", image.toString());
    }

    /** Serves a qcow2 file with one of its bitmaps. */
    static SnapshotServer qcow2(Path image, String bitmap, String exportName) throws IOException {
        return start(exportName, "-f", "qcow2", "-B", bitmap, image.toString());
    }

    private static SnapshotServer start(String exportName, String... arguments) throws IOException {
        Path socket = Files.createTempDirectory("varve-nbd-").resolve("s");
        List<String> command =
                new ArrayList<>(List.of("qemu-nbd", "-t", "-r", "-e", "8", "-k", socket.toString(), "-x", exportName));
        command.addAll(List.of(arguments));
        Path log = socket.resolveSibling("log");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        while (!listens(socket)) {
            if (!process.isAlive()) {
                throw new AssertionError(command + " ended: " + Files.readString(log));
            }
            Thread.onSpinWait();
        }
        return new SnapshotServer(process, socket, exportName);
    }

    /** The socket's file is there a moment before anybody listens. */
    private static boolean listens(Path socket) throws IOException {
        try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            return Files.exists(socket) && probe.connect(UnixDomainSocketAddress.of(socket));
        } catch (ConnectException e) {
            return false;
        }
    }

    SnapshotExport export() {
        return new SnapshotExport("unix:" + socket, exportName);
    }

    Path socket() {
        return socket;
    }

    /** Kills it as {@code kill -9} does. */
    void kill() {
        process.destroyForcibly();
    }

    @Override
    public void close() throws IOException, InterruptedException {
        process.destroyForcibly();
        if (!process.waitFor(30, TimeUnit.SECONDS)) {
            throw new AssertionError("no end of " + process.info());
        }
        Files.deleteIfExists(socket);
        Files.deleteIfExists(socket.resolveSibling("log"));
        Files.deleteIfExists(socket.getParent());
    }
}
