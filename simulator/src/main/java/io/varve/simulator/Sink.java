package io.varve.simulator;

import io.varve.core.commit.Task;
import java.io.IOException;
import java.util.Optional;

/** A sink's process: one task at a time. Killed, it leaves what it had begun; the queue gives its task again. */
final class Sink {
    private final World world;
    private boolean isAwake;
    private boolean isBusy;
    /** Grows with each kill, so that what was begun before ends. */
    private int life;

    Sink(World world) {
        this.world = world;
    }

    /** A piece of work that may fail at the store. */
    interface Step {
        void run() throws IOException;
    }

    World world() {
        return world;
    }

    void wake() {
        if (!isAwake && !isBusy) {
            isAwake = true;
            after(world.schedule().between(1, 40), this::take, () -> {});
        }
    }

    private void take() {
        isAwake = false;
        if (isBusy) {
            return;
        }
        Optional<Broker.Queued> taken = world.broker().take();
        if (taken.isPresent()) {
            isBusy = true;
            begin(taken.get());
        } else if (world.broker().hasTasks()) {
            isAwake = true;
            after(500, this::take, () -> {});
        }
    }

    private void begin(Broker.Queued queued) {
        switch (queued.task()) {
            case Task.Copy copy -> new Copying(this, queued, copy).begin();
            case Task.Decide decide -> new Deciding(this, queued, decide).begin();
        }
    }

    /** The work is done, or given up. */
    void isFree() {
        isBusy = false;
        wake();
    }

    /** Does it later, unless this process is killed first; {@code failed} is run when the store fails. */
    void after(long millis, Step step, Runnable failed) {
        int begun = life;
        world.schedule().after(millis, () -> {
            if (begun == life) {
                try {
                    step.run();
                } catch (IOException e) {
                    world.schedule().note(() -> "a sink fails: " + e.getMessage());
                    failed.run();
                }
            }
        });
    }

    /** kill -9, and a new process at once. */
    void kill() {
        life++;
        isAwake = false;
        isBusy = false;
        world.schedule().note(() -> "a sink is killed");
        wake();
    }
}
