package io.varve.cli;

import io.varve.embedded.child.ParentWatch;
import io.varve.embedded.child.ReadyLine;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * How long a verb that runs for long goes on: until a signal ends the process or, as a child, the parent does. A signal
 * lets the verb's own thread finish: the process ends when this is closed, or when that takes too long.
 *
 * <pre>
 *   try (var life = role.begin(surroundings); var server = Server.start()) {
 *       life.onEnd(server::quit);
 *       life.serves("127.0.0.1:10809", "The server listens on 127.0.0.1:10809.");
 *       server.await();
 *   }
 * </pre>
 *
 * <p>Safe for any thread.
 */
final class RoleLife implements AutoCloseable {

    private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(60);

    private final Surroundings surroundings;
    private final boolean child;
    private final CompletableFuture<Void> end = new CompletableFuture<>();
    private final CountDownLatch closed = new CountDownLatch(1);
    private final Thread hook = Thread.ofPlatform().name("end").unstarted(this::endByProcess);

    private RoleLife(Surroundings surroundings, boolean child) {
        this.surroundings = surroundings;
        this.child = child;
    }

    /** Of a verb that a user started. */
    static RoleLife ofUser(Surroundings surroundings) {
        return new RoleLife(surroundings, false).begun();
    }

    /** Of a child, which also ends with its standard input. */
    static RoleLife ofChild(Surroundings surroundings) {
        var life = new RoleLife(surroundings, true).begun();
        ParentWatch.start(System.in, () -> life.end.complete(null));
        return life;
    }

    private RoleLife begun() {
        Runtime.getRuntime().addShutdownHook(hook);
        return this;
    }

    /** Thread: the process's end. */
    private void endByProcess() {
        end.complete(null);
        try {
            boolean _ = closed.await(CLOSE_PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Runs this when the end is asked for, at once when that was before; it must be quick. */
    void onEnd(Runnable ending) {
        var _ = end.thenRun(ending);
    }

    /** Waits until the end is asked for. */
    void awaitEnd() throws InterruptedException {
        var asked = new CountDownLatch(1);
        onEnd(asked::countDown);
        asked.await();
    }

    /**
     * Says that the role serves.
     *
     * @param address for a parent
     * @param sentence for a user
     */
    void serves(String address, String sentence) {
        if (child) {
            new ReadyLine(address).print(surroundings.out());
        } else {
            surroundings.out().println(sentence);
            surroundings.out().flush();
        }
    }

    /** Lets a process that ends go. */
    @Override
    public void close() {
        closed.countDown();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The process ends already, and the hook knows by now.
            return;
        }
    }
}
