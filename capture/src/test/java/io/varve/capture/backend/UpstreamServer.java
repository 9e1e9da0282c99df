package io.varve.capture.backend;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.Tool;
import io.varve.formats.nbd.NbdAddress;
import io.varve.formats.nbd.NbdUri;
import io.varve.transfer.nbd.NbdClient;
import io.varve.transfer.nbd.NbdClientOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** A real NBD server as a child process, on a Unix socket, with an export without a name. */
public final class UpstreamServer implements AutoCloseable {
    private static final long START_NANOS_MAX = TimeUnit.SECONDS.toNanos(30);
    private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    private final Path socket;
    private final List<String> command;
    private Process process;

    private UpstreamServer(Path socket, List<String> command) throws IOException {
        this.socket = socket;
        this.command = command;
        this.process = start();
    }

    /** qemu-nbd over a raw image. */
    public static UpstreamServer qemu(Path socket, Path image) throws IOException {
        return new UpstreamServer(
                socket, List.of("qemu-nbd", "-t", "-e", "16", "-f", "raw", "-k", socket.toString(), image.toString()));
    }

    /** nbdkit with the given plugin, filters and parameters. */
    public static UpstreamServer nbdkit(Path socket, List<String> arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of("nbdkit", "-f", "-U", socket.toString()));
        command.addAll(arguments);
        return new UpstreamServer(socket, command);
    }

    public NbdUri uri() {
        return new NbdUri(new NbdAddress.Unix(socket.toString()), "");
    }

    private Process start() throws IOException {
        Files.deleteIfExists(socket);
        Process started = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        long endNanos = System.nanoTime() + START_NANOS_MAX;
        while (!answers()) {
            assertTrue(started.isAlive() && System.nanoTime() < endNanos, () -> command + " didn't start");
            LockSupport.parkNanos(POLL_NANOS);
        }
        return started;
    }

    private boolean answers() {
        try (NbdClient client = NbdClient.connect(uri(), List.of(), NbdClientOptions.DEFAULT)) {
            return client.sizeBytes() > 0;
        } catch (IOException e) {
            return false;
        }
    }

    /** It answers nothing from now on, until it's killed. */
    public void freeze() throws IOException, InterruptedException {
        Tool.run("kill", "-STOP", Long.toString(process.pid())).success();
    }

    /** As kill -9; returns when it's gone. */
    public void kill() {
        process.destroyForcibly();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            throw new IllegalStateException("interrupted while " + command + " ended", e);
        }
    }

    public void restart() throws IOException {
        kill();
        process = start();
    }

    @Override
    public void close() {
        kill();
    }
}
