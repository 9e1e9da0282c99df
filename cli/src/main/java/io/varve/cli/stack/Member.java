package io.varve.cli.stack;

import io.varve.embedded.stack.ChildProcess;
import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One process of the stack, kept alive: a thread of its own starts it, waits for its end and starts it again, until the
 * member is closed. Only its first start must succeed.
 *
 * <p>Safe for any thread.
 */
public final class Member implements AutoCloseable {

    private final String name;
    private final Launch launch;
    private final Pids pids;
    private final PrintStream messages;
    private final Thread keeper;
    private final CompletableFuture<Long> firstPid = new CompletableFuture<>();

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    /** The process that serves, as far as the keeper knows. Guarded by lock. */
    private Optional<ChildProcess> serving = Optional.empty();

    /** Guarded by lock. */
    private boolean keptDown;

    /** Whether somebody asked for the next start, which then needs no pause before it. Guarded by lock. */
    private boolean wanted;

    private Member(String name, Launch launch, Pids pids, PrintStream messages) {
        this.name = name;
        this.launch = launch;
        this.pids = pids;
        this.messages = messages;
        keeper = Thread.ofPlatform().daemon().name(name + "-keeper").unstarted(this::keep);
    }

    /**
     * Begins to start it and returns at once.
     *
     * @param messages where restarts are told
     */
    static Member start(String name, Launch launch, Pids pids, PrintStream messages) {
        var member = new Member(name, launch, pids, messages);
        member.keeper.start();
        return member;
    }

    /**
     * Waits for the first start.
     *
     * @throws IOException when it failed: the member is closed then
     */
    void awaitStarted() throws IOException, InterruptedException {
        try {
            firstPid.get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException failure ? failure : new IOException(e.getCause());
        }
    }

    /** What it's called: {@code broker}, {@code store}, or the role's verb. */
    public String name() {
        return name;
    }

    /** The operating system's number of the process that serves; empty while none does. */
    public Optional<Long> pid() {
        lock.lock();
        try {
            return serving.filter(ChildProcess::isAlive).map(ChildProcess::pid);
        } finally {
            lock.unlock();
        }
    }

    /** Kills the process as {@code kill -9} does; it's started again after a pause. */
    public void killNow() throws InterruptedException {
        var process = serving();
        if (process.isPresent()) {
            process.get().killNow();
        }
    }

    /** Kills the process as {@code kill -9} does; nothing is started until {@link #bringUp}. */
    public void takeDown() throws InterruptedException {
        lock.lock();
        try {
            keptDown = true;
        } finally {
            lock.unlock();
        }
        killNow();
    }

    /** Starts what was taken down, however often it ended before; returns at once. */
    public void bringUp() {
        lock.lock();
        try {
            keptDown = false;
            wanted = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Waits until a process serves that isn't dead; false after {@code patience}. */
    public boolean awaitServing(Duration patience) throws InterruptedException {
        long left = patience.toNanos();
        lock.lock();
        try {
            while (serving.filter(ChildProcess::isAlive).isEmpty() && left > 0) {
                left = changed.awaitNanos(left);
            }
            return serving.filter(ChildProcess::isAlive).isPresent();
        } finally {
            lock.unlock();
        }
    }

    /** Stops the process in order, and waits until it's gone. */
    @Override
    public void close() {
        keeper.interrupt();
        boolean interrupted = false;
        while (keeper.isAlive()) {
            try {
                keeper.join();
            } catch (InterruptedException e) {
                // The process must not be left; the keeper waits for it with a bound.
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Thread: keeper. */
    private void keep() {
        var pauses = new Pauses();
        try {
            while (true) {
                if (isWantedWithin(pauses.after(serveOnce()))) {
                    pauses = new Pauses();
                }
            }
        } catch (InterruptedException e) {
            // Closed: the process is gone by now.
            firstPid.completeExceptionally(new IOException("The " + name + " was stopped before it served", e));
        } catch (IOException | RuntimeException e) {
            firstPid.completeExceptionally(e);
        }
    }

    /**
     * One life of the process.
     *
     * @return how long it served
     * @throws IOException when it doesn't come up the first time
     */
    private Duration serveOnce() throws IOException, InterruptedException {
        awaitWanted();
        ChildProcess process;
        try {
            process = launch.start();
        } catch (IOException | IllegalStateException e) {
            if (!firstPid.isDone()) {
                throw e;
            }
            tell("can't be started again: " + e.getMessage());
            return Duration.ZERO;
        }
        long sinceNanos = System.nanoTime();
        try (process) {
            serve(process);
        } finally {
            set(Optional.empty());
            keepPid(() -> pids.remove(name));
        }
        return Duration.ofNanos(System.nanoTime() - sinceNanos);
    }

    private void serve(ChildProcess process) throws InterruptedException {
        keepPid(() -> pids.write(name, process.pid()));
        set(Optional.of(process));
        firstPid.complete(process.pid());
        if (isKeptDown()) {
            process.killNow();
        }
        tell("ended with exit code " + process.awaitExit() + (isKeptDown() ? "" : "; it's started again"));
    }

    /** A file that can't be written, on a full disk perhaps, mustn't end a process that serves. */
    private void keepPid(PidChange change) {
        try {
            change.run();
        } catch (IOException e) {
            tell("runs, but its number can't be kept: " + e);
        }
    }

    private interface PidChange {
        void run() throws IOException;
    }

    private void awaitWanted() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (keptDown) {
                changed.await();
            }
            wanted = false;
        } finally {
            lock.unlock();
        }
    }

    /** Pauses, unless somebody brings the member up; whether that was so. */
    private boolean isWantedWithin(Duration pause) throws InterruptedException {
        long left = pause.toNanos();
        lock.lockInterruptibly();
        try {
            while (!wanted && left > 0) {
                left = changed.awaitNanos(left);
            }
            return wanted;
        } finally {
            lock.unlock();
        }
    }

    private boolean isKeptDown() {
        lock.lock();
        try {
            return keptDown;
        } finally {
            lock.unlock();
        }
    }

    private Optional<ChildProcess> serving() {
        lock.lock();
        try {
            return serving;
        } finally {
            lock.unlock();
        }
    }

    private void set(Optional<ChildProcess> process) {
        lock.lock();
        try {
            serving = process;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void tell(String what) {
        messages.println("varve: the " + name + " process " + what + ".");
    }
}
