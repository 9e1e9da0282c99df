package io.varve.embedded.stack;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;

/** The embedded S3 server: a process of its own on a port of the loopback interface. Thread: its owner's only. */
public final class StoreProcess implements AutoCloseable {

    /** The region that requests are signed for. */
    public static final String REGION = "us-east-1";

    private static final int HEAP_MAX_MEBIBYTES = 128;

    private final EmbeddedServer server;
    private final int port;

    private StoreProcess(EmbeddedServer server, int port) {
        this.server = server;
        this.port = port;
    }

    /** As {@link #start(Path, Path, S3Credentials, int)}, on a free port. */
    public static StoreProcess start(Path data, Path log, S3Credentials credentials)
            throws IOException, InterruptedException {
        return start(data, log, credentials, FreePort.find());
    }

    /**
     * Starts the server and waits until it serves.
     *
     * @param data the folder whose folders are the buckets, made when it is new, kept by {@link #close}
     * @param log the file that its messages go to
     * @param credentials the only key pair that it accepts
     * @throws IOException when it doesn't come up; the message shows the end of the log
     */
    public static StoreProcess start(Path data, Path log, S3Credentials credentials, int port)
            throws IOException, InterruptedException {
        var main = List.of(
                "io.varve.embedded.store.StoreMain", data.toAbsolutePath().toString(), Integer.toString(port));
        var classPath = Installation.find().classPath("store");
        var options = JvmOptions.small(HEAP_MAX_MEBIBYTES);
        var command = new JavaCommand("store", options, classPath, main, credentials.toEnvironment()).inBackground();
        return new StoreProcess(EmbeddedServer.start(command, log), port);
    }

    /** Where S3 clients connect; the same after a restart. */
    public URI endpoint() {
        return URI.create("http://127.0.0.1:" + port);
    }

    /** The running process. */
    public ChildProcess process() {
        return server.child();
    }

    /** Kills the server as {@code kill -9} does, and waits until it's gone. */
    public void killNow() throws InterruptedException {
        server.child().killNow();
    }

    /**
     * Starts the server again, on the same port and data, and waits until it serves; one that runs is stopped before.
     */
    public void restart() throws IOException, InterruptedException {
        server.restart();
    }

    /** Stops the server. */
    @Override
    public void close() {
        server.child().close();
    }
}
