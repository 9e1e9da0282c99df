package io.varve.simulator;

import io.varve.core.bits.Marks;
import io.varve.core.cut.Hold;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.Generation;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.id.DriveId;
import io.varve.core.transaction.DrivePlan;
import io.varve.core.transaction.Plan;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/** A planned transaction carried out: prepared, held by the real Hold, cut, kept, recorded, completed, or undone. */
final class CutRun {
    static final long LIMIT_NANOS = 500_000_000L;
    private static final long NANOS_A_MILLI = 1_000_000L;

    private final Agent agent;
    private final World world;
    private final List<Part> parts = new ArrayList<>();
    private final long begunMillis;

    /** One drive's part. */
    private static final class Part {
        private final AgentDrive drive;
        private final DrivePlan plan;
        private final LiveSet before;
        private final LiveSet spare;
        private final Map<BackupKey, PointInTime> snapshots = new TreeMap<>();
        private boolean isCut;

        Part(AgentDrive drive, DrivePlan plan, LiveSet spare) {
            this.drive = drive;
            this.plan = plan;
            this.before = drive.open();
            this.spare = spare;
        }
    }

    CutRun(Agent agent, Plan.Planned plan) {
        this.agent = agent;
        this.world = agent.world();
        this.begunMillis = world.schedule().nowMillis();
        plan.drives().forEach(this::prepare);
    }

    private void prepare(DrivePlan plan) {
        AgentDrive drive = Objects.requireNonNull(agent.drives().get(plan.drive()));
        Marks none = Marks.none(plan.openedGranularity(), drive.state().sizeBytes());
        LiveSet spare = new LiveSet(drive.state().journal(), drive.incarnation(), plan.opened(), none);
        drive.files().live().put(plan.opened(), spare);
        Part part = new Part(drive, plan, spare);
        plan.backups().forEach(b -> part.snapshots.put(b.key(), new PointInTime(agent, drive.image())));
        parts.add(part);
    }

    void begin() {
        if (world.rules().holdsGroup()) {
            List<DriveId> drives = parts.stream().map(p -> p.plan.drive()).toList();
            perform(Hold.begin(drives, LIMIT_NANOS));
        } else {
            cut(0, this::keep);
        }
    }

    private void perform(Hold.Transition transition) {
        switch (transition.command()) {
            case Hold.Command.TakeGate(DriveId drive, long waitNanosMax) ->
                agent.after(world.schedule().between(0, 3), () -> takeGate(transition.hold(), drive));
            case Hold.Command.TakeCuts() -> {
                world.invariants().holds(parts.stream().map(p -> p.drive).toList());
                cut(0, () -> perform(transition.hold().on(new Hold.Event.CutsTaken())));
            }
            case Hold.Command.LetGo(List<DriveId> drives) -> {
                world.invariants().holds(List.of());
                parts.stream()
                        .filter(p -> drives.contains(p.plan.drive()))
                        .forEach(p -> p.drive.io().letGo());
                if (transition.hold() instanceof Hold.Done) {
                    keep();
                } else {
                    undo();
                }
            }
        }
    }

    private void takeGate(Hold hold, DriveId id) {
        long elapsedNanos = (world.schedule().nowMillis() - begunMillis) * NANOS_A_MILLI;
        if (world.faults().isOn() && world.schedule().chance(2)) {
            perform(hold.on(new Hold.Event.GateNotTaken(id, elapsedNanos + LIMIT_NANOS)));
            return;
        }
        Objects.requireNonNull(agent.drives().get(id)).io().hold();
        perform(hold.on(new Hold.Event.GateTaken(id, elapsedNanos)));
    }

    /** Takes the cuts one after another; what a kill leaves between them has to be harmless. */
    private void cut(int index, Runnable then) {
        if (index == parts.size()) {
            world.oracle().cut(parts.stream().map(p -> p.drive).toList(), keys());
            then.run();
            return;
        }
        Part part = parts.get(index);
        part.drive.cut(part.spare, List.copyOf(part.snapshots.values()));
        part.isCut = true;
        world.schedule().note(() -> part.drive.id() + ": cut, generation " + part.plan.opened() + " is open");
        agent.after(world.schedule().between(0, 4), () -> cut(index + 1, then));
    }

    private List<BackupKey> keys() {
        return parts.stream()
                .flatMap(p -> p.snapshots.keySet().stream())
                .distinct()
                .toList();
    }

    private void keep() {
        for (Part part : parts) {
            Marks marks = part.before.marks();
            part.drive.files().kept().put(part.plan.sealed(), marks.copyAt(marks.granularity()));
            part.drive.io().keepLost();
        }
        if (world.faults().isOn() && world.schedule().chance(2)) {
            agent.after(world.schedule().between(0, 10), this::undo);
        } else {
            agent.after(world.schedule().between(0, 10), () -> record(0));
        }
    }

    private void undo() {
        for (Part part : parts) {
            if (part.isCut) {
                part.drive.uncut(part.before);
                part.drive.files().kept().remove(part.plan.sealed());
            } else {
                part.drive.files().live().remove(part.plan.opened());
            }
            part.drive.forgetSnapshots(part.snapshots.values());
        }
        world.schedule().note(() -> "a transaction is undone");
        agent.endsTransaction();
    }

    private void record(int index) {
        if (index == parts.size()) {
            agent.endsTransaction();
            return;
        }
        Part part = parts.get(index);
        long from = part.drive.state().control() + 1;
        if (!part.snapshots.isEmpty()) {
            part.drive.feed().holdMarkers(from, from + 100);
        }
        part.drive.append(part.plan.events(
                seal(part.before.marks()),
                cut -> seal(part.drive.union(cut.generations(), cut.granularity())),
                key -> new SyncPointMark.SnapshotExport("unix:/agent", part.drive.id() + "@" + key.syncPoint()),
                planned -> {
                    throw new IllegalStateException("no import is planned here");
                }));
        part.drive.files().live().remove(part.plan.sealed());
        part.drive.files().keptOpen().remove(part.plan.sealed());
        start(part, from);
        part.drive.tidy();
        agent.after(world.schedule().between(0, 6), () -> record(index + 1));
    }

    private void start(Part part, long fromControl) {
        if (part.snapshots.isEmpty()) {
            return;
        }
        AgentDrive drive = part.drive;
        part.snapshots.forEach((key, snapshot) -> {
            SyncPointMark mark =
                    Objects.requireNonNull(drive.state().undecided().get(key)).mark();
            drive.running().put(key, snapshot);
            if (mark.kind() instanceof BackupKind.Incremental && mark.target() == BackupTarget.ARCHIVE) {
                var cut = mark.cut().orElseThrow();
                snapshot.narrow(drive.union(cut.generations(), cut.granularity()));
            }
            if (mark.target() == BackupTarget.FILE) {
                agent.after(world.schedule().between(20, 400), () -> concludeFile(drive, key));
            }
        });
        drive.io()
                .afterThoseInFlight(() -> agent.after(world.schedule().between(0, 20), () -> {
                    drive.image().flush();
                    part.snapshots.values().forEach(PointInTime::openForReading);
                    drive.feed().releaseMarkers(fromControl);
                    drive.publisher().wake();
                }));
    }

    private void concludeFile(AgentDrive drive, BackupKey key) {
        if (agent.isTransacting()) {
            agent.after(20, () -> concludeFile(drive, key));
            return;
        }
        drive.conclude(
                key,
                world.schedule().chance(70)
                        ? new Conclusion.Written()
                        : new Conclusion.Failed("the file's disk is full"));
    }

    private static Generation.Seal seal(Marks marks) {
        return new Generation.Seal(marks.dirtyBytes(), marks.digest());
    }
}
