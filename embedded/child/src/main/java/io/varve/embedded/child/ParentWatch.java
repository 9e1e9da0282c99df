package io.varve.embedded.child;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/**
 * Lets a child end with its parent, whichever way the parent ends: its standard input is a pipe whose other end only
 * the parent holds, so it ends when the parent closes it, exits or is killed.
 */
public final class ParentWatch {

    private ParentWatch() {}

    /**
     * Starts a daemon thread that runs {@code ending} once when the input has ended.
     *
     * @param input the child's standard input
     */
    public static void start(InputStream input, Runnable ending) {
        Thread.ofPlatform().daemon().name("parent-watch").start(() -> {
            awaitEnd(input);
            ending.run();
        });
    }

    private static void awaitEnd(InputStream input) {
        try {
            input.transferTo(OutputStream.nullOutputStream());
        } catch (IOException e) {
            // A pipe that cannot be read any more has ended too.
            return;
        }
    }
}
