package io.varve.simulator;

import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.core.drive.Arrival;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.Doubt;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Generation;
import io.varve.core.drive.ImageIdentity;
import io.varve.core.drive.UndecidedBackup;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.fold.Fold;
import io.varve.core.id.JournalId;
import io.varve.core.recovery.Evidence;
import java.util.ArrayList;
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
     */
    record Attached(DriveState state, LiveSet open, List<DriveEvent> events, Arrival arrival) {}

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
                        journal, Optional.empty(), 1, Granularity.DEFAULT, sizeBytes, IDENTITY, Arrival.FRESH));
        files.journal().add(first);
        DriveState state = Fold.apply(Optional.empty(), first).state().orElseThrow();
        LiveSet open = new LiveSet(journal, drive.incarnation(), 1, Marks.none(Granularity.DEFAULT, sizeBytes));
        return new Attached(state, open, List.of(), Arrival.FRESH);
    }

    private Attached inherit() {
        DriveState state = replayed();
        Evidence.Verdict verdict = evidence(state).verdict();
        Generation generation = state.open();
        LiveSet open = new LiveSet(
                state.journal(),
                drive.incarnation(),
                generation.number(),
                Marks.none(generation.granularity(), generation.sizeBytes()));
        files.keptOpen().ifPresent(open.marks()::union);
        files.live().values().stream()
                .filter(set -> isOurs(set, state) && set.generation() >= generation.number())
                .forEach(set -> open.marks().union(world.rules().afterDeath(set.marks())));
        files.inFlight().ifPresent(table -> table.markInto(open.marks()));
        files.keepOpen(Optional.empty());
        files.kept().keySet().retainAll(state.generations().keySet());
        return new Attached(state, open, events(state, verdict.arrival()), verdict.arrival());
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
        if (files.journal().getLast().event() instanceof DriveEvent.DriveDetached) {
            return new Evidence(
                    keptDoubt(state),
                    new Evidence.Ending.Detached(isUnchanged, files.keptOpen().isPresent()));
        }
        Optional<Doubt> doubt = liveDoubt(state)
                .or(() -> isUnchanged
                        ? Optional.empty()
                        : Optional.of(Doubt.imageChanged("the image was changed after the agent's last write")));
        return new Evidence(keptDoubt(state), new Evidence.Ending.Died(doubt));
    }

    private Optional<Doubt> keptDoubt(DriveState state) {
        return state.generations().values().stream()
                .filter(g -> g.seal().isPresent())
                .filter(g -> {
                    Marks marks = files.kept().get(g.number());
                    return marks == null
                            || !marks.digest().equals(g.seal().get().digest());
                })
                .findFirst()
                .map(g -> Doubt.marksLost("the kept marks of generation " + g.number() + " were changed"));
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
