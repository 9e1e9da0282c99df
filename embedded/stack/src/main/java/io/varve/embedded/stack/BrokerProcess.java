package io.varve.embedded.stack;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The embedded Kafka broker: a process of its own on a port of the loopback interface. Thread: its owner's only. */
public final class BrokerProcess implements AutoCloseable {

    private static final int HEAP_MAX_MEBIBYTES = 128;

    private final EmbeddedServer server;
    private final int port;

    private BrokerProcess(EmbeddedServer server, int port) {
        this.server = server;
        this.port = port;
    }

    /** As {@link #start(Path, Path, int)}, on a free port. */
    public static BrokerProcess start(Path data, Path log) throws IOException, InterruptedException {
        return start(data, log, FreePort.find());
    }

    /**
     * Starts the broker and waits until it serves.
     *
     * @param data the folder of its log, made when it is new, kept by {@link #close}
     * @param log the file that its messages go to
     * @throws IOException when it doesn't come up; the message shows the end of the log
     */
    public static BrokerProcess start(Path data, Path log, int port) throws IOException, InterruptedException {
        var main = List.of(
                "io.varve.embedded.broker.BrokerMain", data.toAbsolutePath().toString(), Integer.toString(port));
        var classPath = Installation.find().classPath("broker");
        var options = new ArrayList<>(JvmOptions.small(HEAP_MAX_MEBIBYTES));
        options.add(JvmOptions.QUICK_START);
        var command = new JavaCommand("broker", options, classPath, main, Map.of()).inBackground();
        return new BrokerProcess(EmbeddedServer.start(command, log), port);
    }

    /** What Kafka's clients take as {@code bootstrap.servers}; the same after a restart. */
    public String bootstrapServers() {
        return "127.0.0.1:" + port;
    }

    /** The running process. */
    public ChildProcess process() {
        return server.child();
    }

    /** Kills the broker as {@code kill -9} does, and waits until it's gone. */
    public void killNow() throws InterruptedException {
        server.child().killNow();
    }

    /**
     * Starts the broker again, on the same port and data, and waits until it serves; one that runs is stopped before.
     */
    public void restart() throws IOException, InterruptedException {
        server.restart();
    }

    /** Stops the broker cleanly. */
    @Override
    public void close() {
        server.child().close();
    }
}
