package io.varve.transfer.nbd;

import io.varve.core.Tool;
import io.varve.formats.nbd.NbdAddress;
import io.varve.formats.nbd.NbdUri;
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

/** A server of others, nbdkit or qemu-nbd, on a Unix socket in a folder. */
public record OtherServer(NbdUri uri, Process process) implements AutoCloseable {

    /** Starts nbdkit with the given filters, plugin and parameters, and waits until it listens. */
    static OtherServer nbdkit(Path folder, String... arguments) throws IOException {
        Path socket = folder.resolve("nbdkit.sock");
        return start(socket, "", command(List.of("nbdkit", "-f", "-U", socket.toString()), arguments));
    }

    /** Starts qemu-nbd with the given options and image, and waits until it listens. */
    public static OtherServer qemuNbd(Path folder, String exportName, String... arguments) throws IOException {
        Path socket = folder.resolve("qemu.sock");
        return start(
                socket,
                exportName,
                command(List.of("qemu-nbd", "-t", "-k", socket.toString(), "-x", exportName), arguments));
    }

    private static List<String> command(List<String> first, String... more) {
        List<String> command = new ArrayList<>(first);
        command.addAll(List.of(more));
        return command;
    }

    private static OtherServer start(Path socket, String exportName, List<String> command) throws IOException {
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(
                        socket.resolveSibling(socket.getFileName() + ".log").toFile())
                .start();
        while (!listens(socket)) {
            if (!process.isAlive()) {
                throw new AssertionError(command + " ended with " + process.exitValue());
            }
            Thread.onSpinWait();
        }
        return new OtherServer(new NbdUri(new NbdAddress.Unix(socket.toString()), exportName), process);
    }

    /** The socket's file is there a moment before anybody listens. */
    private static boolean listens(Path socket) throws IOException {
        try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            return Files.exists(socket) && probe.connect(UnixDomainSocketAddress.of(socket));
        } catch (ConnectException e) {
            return false;
        }
    }

    public void kill() {
        process.destroyForcibly();
    }

    /** Makes it say nothing more, though its connections stay: as {@code kill -STOP} does. */
    public void pause() throws IOException, InterruptedException {
        Tool.run("kill", "-STOP", Long.toString(process.pid())).success();
    }

    @Override
    public void close() throws InterruptedException {
        process.destroyForcibly();
        if (!process.waitFor(30, TimeUnit.SECONDS)) {
            throw new AssertionError("no end of " + process.info());
        }
    }
}
