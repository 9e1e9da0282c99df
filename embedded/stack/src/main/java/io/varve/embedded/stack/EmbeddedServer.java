package io.varve.embedded.stack;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;

/** One embedded server that can be killed and started again as it was. Guarded by its owner's single thread. */
final class EmbeddedServer {

    /** Two busy cores need far less, even for a broker that recovers its log. */
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    private final JavaCommand command;
    private final Path log;
    private ChildProcess child;

    private EmbeddedServer(JavaCommand command, Path log, ChildProcess child) {
        this.command = command;
        this.log = log;
        this.child = child;
    }

    static EmbeddedServer start(JavaCommand command, Path log) throws IOException, InterruptedException {
        return new EmbeddedServer(command, log, startReady(command, log));
    }

    private static ChildProcess startReady(JavaCommand command, Path log) throws IOException, InterruptedException {
        var child = ChildProcess.start(command, log);
        try {
            child.awaitReady(PATIENCE);
            return child;
        } catch (InterruptedException e) {
            child.killNow();
            throw e;
        }
    }

    ChildProcess child() {
        return child;
    }

    void restart() throws IOException, InterruptedException {
        child.stop();
        child = startReady(command, log);
    }
}
