package io.varve.simulator;

import io.varve.archive.DamagedArchiveException;
import io.varve.archive.Decisions;
import io.varve.archive.Manifests;
import io.varve.archive.store.ObjectStore;
import io.varve.core.commit.ManifestRef;
import io.varve.core.commit.Outcome;
import io.varve.core.commit.Task;
import io.varve.core.commit.Verdict;
import io.varve.core.id.DriveId;
import java.io.IOException;
import java.util.Set;
import java.util.TreeSet;

/** A sink's decision: looked for, checked, put, told, each in its own moment, so that others come between. */
final class Deciding {
    private final Sink sink;
    private final World world;
    private final Broker.Queued queued;
    private final Task.Decide task;
    private int tries;

    Deciding(Sink sink, Broker.Queued queued, Task.Decide task) {
        this.sink = sink;
        this.world = sink.world();
        this.queued = queued;
        this.task = task;
    }

    private void next(Sink.Step step) {
        // Now and then a sink stands still, and another has the task meanwhile.
        boolean isStill = world.faults().has(Faults.Kind.SINK_KILL)
                && world.faults().isOn()
                && world.schedule().chance(25);
        sink.after(world.schedule().between(1, isStill ? 2500 : 10), step, this::again);
    }

    private void again() {
        tries++;
        if (tries < 5) {
            sink.after(100L << tries, this::find, this::again);
        } else {
            sink.isFree();
        }
    }

    void begin() {
        next(this::find);
    }

    private Decisions decisions() {
        ObjectStore store = world.rules().forDecisions(world.store());
        return new Decisions(store);
    }

    private void find() throws IOException {
        var known = decisions().find(task.unit());
        if (known.isPresent()) {
            tell(known.get());
        } else {
            next(this::propose);
        }
    }

    private void propose() throws IOException {
        Verdict proposal = task.proposed();
        if (proposal instanceof Verdict.Committed(var manifests)) {
            try {
                for (var named : manifests.entrySet()) {
                    check(named.getKey(), named.getValue());
                }
            } catch (DamagedArchiveException e) {
                proposal = new Verdict.Aborted(String.valueOf(e.getMessage()));
            }
        }
        Verdict checked = proposal;
        next(() -> decide(checked));
    }

    private void check(DriveId drive, ManifestRef ref) throws IOException {
        var manifest = new Manifests(world.store()).read(ref);
        if (!manifest.unit().equals(task.unit()) || !manifest.name().drive().equals(drive)) {
            throw new DamagedArchiveException("'" + ref.key() + "' isn't drive " + drive + "'s of unit " + task.unit());
        }
    }

    private void decide(Verdict proposal) throws IOException {
        try {
            tell(decisions().decide(task.unit(), proposal));
        } finally {
            world.oracle().lookAt(task.unit());
        }
    }

    private void tell(Verdict verdict) {
        world.schedule().note(() -> "unit " + task.unit() + " is decided: " + verdict);
        Set<DriveId> drives = new TreeSet<>(task.drives());
        if (verdict instanceof Verdict.Committed(var manifests)) {
            drives.addAll(manifests.keySet());
        }
        drives.forEach(drive -> world.broker().say(new Outcome.Decided(task.unit(), drive, verdict)));
        world.broker().acknowledge(queued);
        sink.isFree();
    }
}
