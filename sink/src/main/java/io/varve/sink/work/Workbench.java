package io.varve.sink.work;

import io.varve.archive.Decisions;
import io.varve.archive.Manifests;
import io.varve.archive.store.ObjectStore;
import io.varve.core.commit.Task;
import io.varve.transfer.CopyPipeline;
import io.varve.transfer.source.NbdSourceOptions;
import java.time.InstantSource;
import java.util.UUID;
import java.util.random.RandomGenerator;

/**
 * All that tasks are worked on with. Safe for any thread if {@code random} is.
 *
 * @param random gives attempts their ids, so that no attempt touches another's objects
 * @param copies that were made here, and may be asked for again
 */
public record Workbench(
        ObjectStore store,
        CopyPipeline pipeline,
        NbdSourceOptions source,
        InstantSource clock,
        RandomGenerator random,
        StopSignal stop,
        OwnCopies copies) {

    public Workbench(
            ObjectStore store,
            CopyPipeline pipeline,
            NbdSourceOptions source,
            InstantSource clock,
            RandomGenerator random,
            StopSignal stop) {
        this(store, pipeline, source, clock, random, stop, new OwnCopies());
    }

    /** Takes a task up. */
    public TaskWork workOn(Task task) {
        return switch (task) {
            case Task.Copy copy -> new CopyWork(copy, newAttempt(), this);
            case Task.Decide decide -> new DecideWork(decide, this);
        };
    }

    /** A random UUID, version 4. */
    private UUID newAttempt() {
        long high = (random.nextLong() & 0xffffffffffff0fffL) | 0x4000;
        long low = (random.nextLong() >>> 2) | (1L << 63);
        return new UUID(high, low);
    }

    Decisions decisions() {
        return new Decisions(store);
    }

    Manifests manifests() {
        return new Manifests(store);
    }
}
