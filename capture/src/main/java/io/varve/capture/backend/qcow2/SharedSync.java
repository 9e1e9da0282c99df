package io.varve.capture.backend.qcow2;

import io.varve.capture.backend.Backend;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Makes a file durable; callers that come while that runs share the next run. After a failure nothing may be written
 * any more: the kernel forgets what it couldn't write, and tells only once.
 *
 * <p>Safe for any thread.
 */
final class SharedSync {
    /** The callers that one run is for. */
    private static final class Group {
        private boolean ended;
        private @Nullable IOException failure;
    }

    private final Path path;
    private final Backend file;
    private Group next = new Group(); // Guarded by this.
    private boolean running; // Guarded by this.
    private volatile boolean failed;

    SharedSync(Path path, Backend file) {
        this.path = path;
        this.file = file;
    }

    void checkUsable() throws IOException {
        if (failed) {
            throw new IOException(
                    "image " + path + " couldn't be made durable before, so nothing more is written to it;"
                            + " look for the disk's errors, and attach it again");
        }
    }

    void run() throws IOException {
        checkUsable();
        Group group;
        synchronized (this) {
            group = next;
            awaitTurn(group);
            if (!group.ended) {
                running = true;
                next = new Group();
            }
        }
        if (!group.ended) {
            lead(group);
        }
        if (group.failure != null) {
            throw new IOException(
                    "image " + path + " couldn't be made durable: " + group.failure.getMessage(), group.failure);
        }
    }

    /** Waits until the group was served, or nobody is served. */
    private void awaitTurn(Group group) throws IOException {
        boolean interrupted = false;
        while (running && !group.ended) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void lead(Group group) {
        IOException failure = null;
        try {
            file.flush();
        } catch (IOException e) {
            failed = true;
            failure = e;
        }
        synchronized (this) {
            group.failure = failure;
            group.ended = true;
            running = false;
            notifyAll();
        }
    }
}
