package io.varve.simulator;

import io.varve.core.drive.BackupKey;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapMode;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.FullCause;
import io.varve.core.drive.Recording;
import io.varve.core.drive.Trust;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;
import io.varve.core.transaction.Action;
import io.varve.core.transaction.Plan;
import io.varve.core.transaction.SyncMode;
import io.varve.core.transaction.Transaction;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Whoever takes backups of an agent's drives, incremental where that goes, and now and then does something else. */
final class Operator {
    private static final BitmapName BITMAP = new BitmapName("b");
    /** A second one, backed up seldom, if a run has it: its generations pile up, and are merged. */
    private static final BitmapName SELDOM = new BitmapName("k");

    private static final int PAUSE_MILLIS = 300;
    private static final int REFUSALS_MAX = 8;
    private static final long PATIENCE_MILLIS = 12_000;

    private final World world;
    private final Agent agent;
    private final Runnable refused;
    /** After a refused or failed increment a full one is taken. */
    private final Map<DriveId, Integer> failures = new HashMap<>();
    /** When each running backup was seen first, in virtual milliseconds. */
    private final Map<String, Long> begun = new HashMap<>();

    /** @param refused what is done when the streams refuse even full backups */
    Operator(World world, Agent agent, Runnable refused) {
        this.world = world;
        this.agent = agent;
        this.refused = refused;
    }

    void begin() {
        agent.after(world.schedule().between(PAUSE_MILLIS / 3, 2 * PAUSE_MILLIS), () -> {
            act();
            begin();
        });
    }

    private void act() {
        Schedule schedule = world.schedule();
        agent.drives().values().forEach(this::cancelWhatHangs);
        if (!world.faults().isOn() && failures.values().stream().anyMatch(times -> times > REFUSALS_MAX)) {
            refused.run();
            return;
        }
        if (world.faults().isOn() && world.faults().has(Faults.Kind.USER) && schedule.chance(20)) {
            disturb();
            return;
        }
        List<DriveId> drives = new ArrayList<>();
        List<Action> repairs = new ArrayList<>();
        for (AgentDrive drive : agent.drives().values()) {
            if (agent.drives().size() == 1 || schedule.chance(75)) {
                drives.add(drive.id());
                repairs.addAll(repairs(drive));
            }
        }
        if (!repairs.isEmpty()) {
            run(repairs, Completion.INDIVIDUAL);
        } else if (!drives.isEmpty()) {
            boolean isGrouped = drives.size() > 1 && schedule.chance(60);
            List<Action> backups = new ArrayList<>();
            drives.forEach(drive -> backups.add(backup(drive)));
            run(backups, isGrouped ? Completion.GROUPED : Completion.INDIVIDUAL);
        }
    }

    /** Nobody tells of a backup whose last record the log lost. */
    private void cancelWhatHangs(AgentDrive drive) {
        for (BackupKey key : List.copyOf(drive.running().keySet())) {
            long since = begun.computeIfAbsent(
                    drive.id() + "@" + key.syncPoint(), k -> world.schedule().nowMillis());
            if (world.schedule().nowMillis() - since > PATIENCE_MILLIS && !agent.isTransacting()) {
                drive.conclude(key, new Conclusion.Cancelled());
            }
        }
    }

    private List<Action> repairs(AgentDrive drive) {
        List<Action> repairs = new ArrayList<>(repairs(drive, BITMAP));
        if (world.hasSeldomBitmap()) {
            repairs.addAll(repairs(drive, SELDOM));
        }
        return repairs;
    }

    private static List<Action> repairs(AgentDrive drive, BitmapName name) {
        Optional<Bitmap> bitmap = drive.state().bitmap(name);
        String node = drive.id().value();
        if (bitmap.isEmpty()) {
            return List.of(new Action.AddBitmap(
                    node, name.value(), Optional.of(PointInTime.GRANULE.bytes()), true, Recording.ENABLED));
        }
        if (bitmap.get().status() instanceof BitmapStatus.Inconsistent) {
            return List.of(new Action.RemoveBitmap(node, name.value()));
        }
        return bitmap.get().isRecording() || bitmap.get().status() instanceof BitmapStatus.Busy
                ? List.of()
                : List.of(new Action.EnableBitmap(node, name.value()));
    }

    private Action backup(DriveId id) {
        BitmapName name = world.hasSeldomBitmap() && world.schedule().chance(15) ? SELDOM : BITMAP;
        Optional<DriveState> state = Optional.ofNullable(agent.states().get(id));
        boolean isAnchored = state.flatMap(known -> known.bitmap(name))
                .flatMap(Bitmap::anchor)
                .isPresent();
        boolean isSound = state.map(DriveState::trust)
                .filter(Trust.Sound.class::isInstance)
                .isPresent();
        boolean isIncremental = isAnchored && isSound && failures.getOrDefault(id, 0) < 2;
        return new Action.Backup(
                id.value(),
                isIncremental ? SyncMode.INCREMENTAL : SyncMode.FULL,
                Optional.of(name.value()),
                Optional.of(BitmapMode.ON_SUCCESS),
                BackupTarget.ARCHIVE,
                isAnchored ? Optional.empty() : Optional.of(FullCause.NO_ANCHOR));
    }

    /** What makes anchors void, or ends a backup. */
    private void disturb() {
        AgentDrive drive = world.schedule().any(List.copyOf(agent.drives().values()));
        String node = drive.id().value();
        switch (world.schedule().pick(8)) {
            case 0 -> run(List.of(new Action.ClearBitmap(node, BITMAP.value())), Completion.INDIVIDUAL);
            case 1 -> run(List.of(new Action.DisableBitmap(node, BITMAP.value())), Completion.INDIVIDUAL);
            case 2 ->
                run(
                        List.of(
                                new Action.AddBitmap(
                                        node, "c", Optional.of(PointInTime.GRANULE.bytes()), true, Recording.ENABLED),
                                new Action.MergeBitmaps(
                                        node, "c", List.of(new Action.MergeBitmaps.Source(node, BITMAP.value()))),
                                new Action.RemoveBitmap(node, "c")),
                        Completion.INDIVIDUAL);
            case 3 ->
                run(
                        List.of(new Action.Backup(
                                node,
                                SyncMode.INCREMENTAL,
                                Optional.of(BITMAP.value()),
                                Optional.of(BitmapMode.ON_SUCCESS),
                                BackupTarget.FILE)),
                        Completion.INDIVIDUAL);
            default ->
                List.copyOf(drive.running().keySet()).forEach(key -> {
                    if (!agent.isTransacting()) {
                        drive.conclude(key, new Conclusion.Cancelled());
                    }
                });
        }
    }

    /** A backup came to nothing, or to something. */
    void heard(DriveId drive, boolean isCommitted) {
        failures.merge(drive, 1, (known, one) -> isCommitted ? 0 : known + one);
    }

    private void run(List<Action> actions, Completion completion) {
        if (agent.isTransacting()) {
            return;
        }
        SyncPointId syncPoint = new SyncPointId("s" + world.nextVersion());
        Plan plan = Transaction.plan(agent.states(), actions, completion, syncPoint);
        switch (plan) {
            case Plan.Refused(String description) -> world.schedule().note(() -> "refused: " + description);
            case Plan.Planned planned -> {
                world.schedule().note(() -> syncPoint + ", " + completion + ": " + actions);
                if (agent.beginsTransaction()) {
                    new CutRun(agent, planned).begin();
                }
            }
        }
    }
}
