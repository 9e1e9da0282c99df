package io.varve.core.fold;

import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Generation;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.drive.Trust;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.DriveEvent.DriveAttached;
import io.varve.core.event.DriveEvent.ExtentsDirtied;
import io.varve.core.event.LogRecord;
import io.varve.core.id.IncarnationId;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The function from a drive's log to its state. The agent folds what it writes, the topology what it reads, the audit
 * what it replays; all agree (design.md section 2).
 *
 * <p>Which records count, by incarnation and by control number:
 *
 * <pre>
 *   incarnation   in the line                         its control events and extents count
 *                 DriveAttached, inherits the head    joins the line (the first heir wins)
 *                 the same, with a number taken       an heir of an older copy: as any other
 *                 DriveAttached, inherits nothing     a new journal: everything starts anew
 *                 a checkpoint whose line goes on     joins the line: its attach was lost with what is skipped
 *                 any other                           changes no mark; the drive is suspect        // I8
 *                 in the line, not its last, with     it wrote on after another one took over: changes no mark; the
 *                 a control number that's new         drive is suspect                             // I8
 *   control       known + 1                           applied
 *                 up to known                         a repeat: the state stays, the effects are asked for again
 *                 beyond                              a gap: nothing is applied, re-publication is requested
 * </pre>
 */
public final class Fold {
    private Fold() {}

    public static Step apply(Optional<DriveState> before, LogRecord record) {
        if (before.isEmpty()) {
            return first(record);
        }
        DriveState state = before.get();
        if (record.event() instanceof DriveAttached attached && !state.line().contains(record.incarnation())) {
            return attach(state, record, attached);
        }
        if (!state.line().contains(record.incarnation())) {
            return record.event() instanceof DriveEvent.Checkpoint(DriveState whole) && isOfHeir(state, record, whole)
                    ? skip(state, record, whole)
                    : suspect(state, record);
        }
        // I8: what an heir inherited has smaller numbers than its attach.
        if (isOfSuperseded(state, record)) {
            return suspect(state, record, "which went on after another agent had taken drive");
        }
        if (record.event() instanceof ExtentsDirtied dirtied) {
            return dirty(state, dirtied);
        }
        return control(state, record);
    }

    /** What a record comes to that its reader knows to be a stranger's. */
    // I8
    public static Step strange(DriveState state, LogRecord record) {
        return suspect(state, record);
    }

    private static Step first(LogRecord record) {
        return switch (record.event()) {
            case DriveAttached attached when attached.inherited().isEmpty() -> anew(record, attached);
            case DriveEvent.Checkpoint(DriveState state) -> Step.of(state, new Effect.ForgetAll());
            default -> new Step(Optional.empty(), List.of(new Effect.RequestControl(1)));
        };
    }

    private static Step anew(LogRecord record, DriveAttached attached) {
        Generation open = new Generation(
                attached.openGeneration(), attached.granularity(), attached.sizeBytes(), Optional.empty());
        DriveState fresh = DriveState.fresh(
                        record.drive(), attached.journal(), record.incarnation(), open, new Trust.Sound())
                .withControl(record.control());
        return Step.of(fresh, new Effect.ForgetAll());
    }

    private static Step attach(DriveState state, LogRecord record, DriveAttached attached) {
        if (attached.inherited().isEmpty()) {
            return attached.journal().equals(state.journal()) ? suspect(state, record) : anew(record, attached);
        }
        IncarnationId head = state.line().getLast();
        if (!attached.inherited().get().equals(head) || !attached.journal().equals(state.journal())) {
            return suspect(state, record);
        }
        if (record.control() <= state.control()) {
            // Its number is taken: it inherited an older copy of the journal, and the head goes on.
            return suspect(state, record);
        }
        if (record.control() != state.control() + 1) {
            return Step.of(state, new Effect.RequestControl(state.control() + 1));
        }
        List<IncarnationId> line = new ArrayList<>(state.line());
        line.add(record.incarnation());
        return new Step(
                Optional.of(ControlFold.arrived(state.withLine(line), attached).withControl(record.control())),
                ControlFold.lost(state, attached));
    }

    /**
     * Whether somebody else but the last of the line tells of what came after that one's attach: an heir has all that
     * its predecessor wrote, and what a predecessor sends again is known.
     */
    private static boolean isOfSuperseded(DriveState state, LogRecord record) {
        if (record.incarnation().equals(state.line().getLast())) {
            return false;
        }
        return record.event() instanceof ExtentsDirtied(long generation, var _, var _, var _, var _)
                ? generation > state.open().number()
                : record.control() > state.control();
    }

    private static Step suspect(DriveState state, LogRecord record) {
        return suspect(state, record, "which isn't in the line of drive");
    }

    /**
     * A mark of its sync point is answered: it would wait for ever for one that nobody offers. If the record isn't the
     * next one, its agent's attach may be what was lost, and is asked for.
     */
    private static Step suspect(DriveState state, LogRecord record, String because) {
        String reason = "a record of incarnation " + record.incarnation() + ", " + because + " '" + record.drive()
                + "': another agent may have written the image";
        List<Effect> effects = new ArrayList<>(List.of(new Effect.Suspected(reason)));
        if (!state.line().contains(record.incarnation()) && record.control() > state.control() + 1) {
            effects.add(new Effect.RequestControl(state.control() + 1));
        }
        if (record.event() instanceof DriveEvent.SyncPointMarked(SyncPointMark mark)
                && mark.target() == BackupTarget.ARCHIVE) {
            effects.add(new Effect.RefusePart(
                    mark,
                    reason + ", or this agent's state is older than the log: let only one agent serve the drive, and "
                            + "if it's this one, move its state of the drive away and take a full backup"));
        }
        return new Step(Optional.of(ControlFold.suspected(state, reason)), effects);
    }

    /** Whether {@code whole} tells of a line that goes on from the known one: the attaches between were lost. */
    private static boolean isOfHeir(DriveState state, LogRecord record, DriveState whole) {
        return whole.journal().equals(state.journal())
                && whole.line().contains(state.line().getLast())
                && whole.line().contains(record.incarnation())
                && record.control() > state.control();
    }

    /** Goes on from a checkpoint, which knows nothing of strangers. */
    private static Step skip(DriveState state, LogRecord record, DriveState whole) {
        DriveState after =
                state.trust() instanceof Trust.Suspect(String reason) ? ControlFold.suspected(whole, reason) : whole;
        return new Step(Optional.of(after.withControl(record.control())), ControlFold.outdated(state, whole));
    }

    private static Step dirty(DriveState state, ExtentsDirtied dirtied) {
        Generation generation = state.generations().get(dirtied.generation());
        if (generation == null) {
            // Its referrers are gone, or its number hasn't opened here yet: then the seal before it is missing, too.
            return dirtied.generation() > state.open().number()
                    ? Step.of(state, new Effect.RequestControl(state.control() + 1))
                    : Step.of(state);
        }
        return Step.of(state, new Effect.Mark(generation, dirtied.extents()));
    }

    private static Step control(DriveState state, LogRecord record) {
        if (record.event() instanceof DriveEvent.Checkpoint(DriveState whole) && record.control() > state.control()) {
            return skip(state, record, whole);
        }
        if (record.control() > state.control() + 1) {
            return Step.of(state, new Effect.RequestControl(state.control() + 1));
        }
        if (record.control() <= state.control()) {
            return new Step(Optional.of(state), Repeat.effects(state, record.event()));
        }
        ControlFold.Folded folded = ControlFold.apply(state, record.event());
        DriveState after = folded.state().withControl(record.control());
        List<Effect> effects = new ArrayList<>(folded.effects());
        return new Step(Optional.of(Unreferred.dropped(after, effects)), effects);
    }
}
