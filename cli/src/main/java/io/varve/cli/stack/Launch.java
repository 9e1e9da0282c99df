package io.varve.cli.stack;

import io.varve.embedded.stack.ChildProcess;
import java.io.IOException;

/** Starts a member's process, the first time and again. */
@FunctionalInterface
interface Launch {

    /**
     * Starts it and waits until it serves. An interrupted one leaves no process.
     *
     * @throws IOException when it doesn't come up
     */
    ChildProcess start() throws IOException, InterruptedException;
}
