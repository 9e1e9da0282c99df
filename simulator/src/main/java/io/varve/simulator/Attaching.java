package io.varve.simulator;

import io.varve.core.activity.RegionSpan;
import io.varve.core.bits.Extent;
import io.varve.core.bits.Marks;
import io.varve.core.drive.Arrival;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.Doubt;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Generation;
import io.varve.core.drive.ImageIdentity;
import io.varve.core.drive.UndecidedBackup;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.fold.Fold;
import io.varve.core.handover.Release;
import io.varve.core.id.JournalId;
import io.varve.core.recovery.Evidence;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** What an attaching agent finds of a drive's last run, and goes on with: the real Evidence over modelled files. */
final class Attaching {
    static final ImageIdentity IDENTITY = new ImageIdentity("image", "1", 0, "");

    private final AgentDrive drive;
    private final DriveFiles files;
    private final World world;

    Attaching(AgentDrive drive) {
        this.drive = drive;
        this.files = drive.files();
        this.world = drive.agent().world();
    }

    /**
     * What an attachment comes to.
     *
     * @param state before {@code events}, which are to be recorded
     * @param lost writes of earlier runs that may reach the image yet
     */
    record Attached(DriveState state, LiveSet open, List<DriveEvent> events, List<Extent> lost, Arrival arrival) {}

    Attached attach() {
        drive.image().flush();
        return files.journal().isEmpty() ? fresh() : inherit();
    }

    private Attached fresh() {
        JournalId journal = new JournalId(world.schedule().id());
        long sizeBytes = drive.image().sizeBytes();
        LogRecord first = new LogRecord(
                drive.id(),
                drive.incarnation(),
                1,
                new DriveEvent.DriveAttached(
                        journal, Optional.empty(), 1, PointInTime.GRANULE, sizeBytes, IDENTITY, Arrival.FRESH));
        files.journal().add(first);
        DriveState state = Fold.apply(Optional.empty(), first).state().orElseThrow();
        LiveSet open = new LiveSet(journal, drive.incarnation(), 1, Marks.none(PointInTime.GRANULE, sizeBytes));
        log(0);
        return new Attached(state, open, List.of(), List.of(), Arrival.FRESH);
    }

    private Attached inherit() {
        DriveState state = replayed();
        Evidence evidence = evidence(state);
        Evidence.Verdict verdict = evidence.verdict();
        List<RegionSpan> hot = evidence.ending() instanceof Evidence.Ending.HostDied
                ? files.logged().map(LoggedRegions::spans).orElse(List.of())
                : List.of();
        Generation generation = state.open();
        LiveSet open = new LiveSet(
                state.journal(),
                drive.incarnation(),
                generation.number(),
                Marks.none(generation.granularity(), generation.sizeBytes()));
        files.keptOpen().tailMap(generation.number()).values().forEach(open.marks()::union);
        hot.forEach(span -> open.marks().mark(span.offsetBytes(), span.lengthBytes()));
        files.live().values().stream()
                .filter(set -> isOurs(set, state) && set.generation() >= generation.number())
                .forEach(set -> open.marks().union(world.rules().afterDeath(set.marks())));
        files.inFlight().ifPresent(table -> table.markInto(open.marks()));
        List<Extent> lost = world.rules().afterRestart(lost(hot));
        files.keepLost(lost);
        lost.forEach(open.marks()::mark);
        files.kept().keySet().retainAll(state.generations().keySet());
        files.keptOpen().clear();
        if (world.hasActivityLog()) {
            files.keptOpen().put(generation.number(), open.marks().copyAt(generation.granularity()));
        }
        log(generation.number());
        return new Attached(state, open, events(state, verdict.arrival()), lost, verdict.arrival());
    }

    /** A log of this run, in the place of the last one's. */
    private void log(long marksGeneration) {
        files.log(
                world.hasActivityLog()
                        ? Optional.of(new LoggedRegions(drive.incarnation(), marksGeneration, List.of()))
                        : Optional.empty());
    }

    private List<Extent> lost(List<RegionSpan> hot) {
        if (files.journal().getLast().event() instanceof DriveEvent.DriveDetached
                || Release.of(files.journal()).isPresent()) {
            return List.of();
        }
        LinkedHashSet<Extent> lost = new LinkedHashSet<>(files.lost());
        if (drive.image().isElsewhere()) {
            files.inFlight().ifPresent(table -> lost.addAll(table.extents()));
            hot.forEach(span -> lost.add(new Extent(span.offsetBytes(), span.lengthBytes())));
        }
        return List.copyOf(lost);
    }

    private DriveState replayed() {
        Optional<DriveState> state = Optional.empty();
        for (LogRecord record : files.journal()) {
            Optional<DriveState> before = state;
            state = Fold.apply(before, record)
                    .state()
                    .map(after -> before.isEmpty() ? after : world.rules().folded(before.get(), record, after));
        }
        return state.orElseThrow();
    }

    private static boolean isOurs(LiveSet set, DriveState state) {
        return set.isOf(state.journal(), state.line().getLast());
    }

    private Evidence evidence(DriveState state) {
        boolean isUnchanged = files.foreignWritesAtEnd() == drive.image().foreignWrites();
        Optional<Doubt> aboutImage = isUnchanged
                ? Optional.empty()
                : Optional.of(Doubt.imageChanged("the image was changed after the agent's last write"));
        if (Release.of(files.journal()).isPresent()) {
            return new Evidence(Optional.empty(), new Evidence.Ending.HandedOver(aboutImage));
        }
        if (files.journal().getLast().event() instanceof DriveEvent.DriveDetached) {
            return new Evidence(
                    keptDoubt(state),
                    new Evidence.Ending.Detached(
                            isUnchanged,
                            files.keptOpen().containsKey(state.open().number())));
        }
        return new Evidence(
                keptDoubt(state),
                liveDoubt(state).isEmpty()
                        ? new Evidence.Ending.Died(aboutImage)
                        : new Evidence.Ending.HostDied(logDoubt(state).or(() -> aboutImage)));
    }

    private Optional<Doubt> logDoubt(DriveState state) {
        boolean isWhole = files.logged()
                .filter(log -> log.incarnation().equals(state.line().getLast()))
                .filter(log -> log.marksGeneration() < state.open().number()
                        || files.keptOpen().containsKey(log.marksGeneration()))
                .isPresent();
        return isWhole ? Optional.empty() : Optional.of(Doubt.marksLost("there's no activity log of that run"));
    }

    private Optional<Doubt> keptDoubt(DriveState state) {
        return state.generations().values().stream()
                .filter(g -> g.seal().isPresent() && isNeeded(state, g))
                .filter(g -> {
                    Marks marks = files.kept().get(g.number());
                    return marks == null
                            || !marks.digest().equals(g.seal().get().digest());
                })
                .findFirst()
                .map(g -> Doubt.marksLost("the kept marks of generation " + g.number() + " were changed"));
    }

    private static boolean isNeeded(DriveState state, Generation generation) {
        return state.bitmaps().values().stream()
                .filter(bitmap -> !(bitmap.status() instanceof BitmapStatus.Inconsistent)
                        && !(bitmap.status() instanceof BitmapStatus.Incoming))
                .anyMatch(bitmap -> bitmap.allGenerations().contains(generation.number()));
    }

    private Optional<Doubt> liveDoubt(DriveState state) {
        boolean isThere = files.live().values().stream()
                .anyMatch(set ->
                        isOurs(set, state) && set.generation() == state.open().number());
        if (!isThere) {
            return Optional.of(Doubt.marksLost("the live marks of the agent's last run are gone"));
        }
        return Objects.equals(files.boot(), drive.agent().boot())
                ? Optional.empty()
                : Optional.of(Doubt.marksLost("the host was started anew while the drive was attached"));
    }

    private static List<DriveEvent> events(DriveState state, Arrival arrival) {
        List<DriveEvent> events = new ArrayList<>();
        events.add(new DriveEvent.DriveAttached(
                state.journal(),
                Optional.of(state.line().getLast()),
                state.open().number(),
                state.open().granularity(),
                state.sizeBytes(),
                IDENTITY,
                arrival));
        for (UndecidedBackup backup : state.undecided().values()) {
            if (backup.phase() == UndecidedBackup.Phase.RUNNING) {
                events.add(new DriveEvent.BackupConcluded(
                        backup.mark().key(),
                        new Conclusion.Failed("the agent was restarted, and the point in time was lost with it")));
            }
        }
        return events;
    }
}
