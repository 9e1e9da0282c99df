package io.varve.core.cut;

import io.varve.core.id.DriveId;
import java.util.List;
import java.util.Optional;

/**
 * The group hold: between the first and the last drive's cut no write of any of them is admitted or acknowledged (I5).
 *
 * <pre>
 *   Taking   --gate taken, more to take-->      Taking
 *            --last gate taken, in time-->      Cutting     all cuts are taken now
 *            --gate not had, or out of time-->  GivenUp     nothing was changed; every gate taken is let go
 *   Cutting  --cuts taken-->                    Done        every gate is let go
 * </pre>
 *
 * <p>Gates are taken in ascending order of drive id, so two holds can't wait for each other.
 */
public sealed interface Hold {
    /** The gates are taken one by one; the first of {@code remaining} is next. */
    record Taking(List<DriveId> taken, List<DriveId> remaining, long limitNanos) implements Hold {
        public Taking {
            taken = List.copyOf(taken);
            remaining = List.copyOf(remaining);
        }
    }

    /** Every gate is held. */
    record Cutting(List<DriveId> taken) implements Hold {}

    /** The cuts are taken and the gates let go. */
    record Done() implements Hold {}

    /** The guests had waited for too long, and nothing was changed. */
    record GivenUp(String reason) implements Hold {}

    /** What happened; times count from the start of the hold, in nanoseconds. */
    sealed interface Event {
        record GateTaken(DriveId drive, long elapsedNanos) implements Event {}

        record GateNotTaken(DriveId drive, long elapsedNanos) implements Event {}

        record CutsTaken() implements Event {}
    }

    /** What to do next. */
    sealed interface Command {
        /** Take the drive's gate exclusively, waiting no longer than {@code waitNanosMax}. */
        record TakeGate(DriveId drive, long waitNanosMax) implements Command {}

        /** Take the cut of every drive. */
        record TakeCuts() implements Command {}

        /** Let these gates go. */
        record LetGo(List<DriveId> drives) implements Command {}
    }

    /** The next state, and the command that goes with it. */
    record Transition(Hold hold, Command command) {}

    /** Begins a hold of {@code drives}, which are in ascending order, and at least one. */
    static Transition begin(List<DriveId> drives, long limitNanos) {
        if (drives.isEmpty()
                || !drives.equals(drives.stream().distinct().sorted().toList())) {
            throw new IllegalArgumentException("hold of drives " + drives + "; expected at least one, ascending");
        }
        return new Transition(
                new Taking(List.of(), drives, limitNanos), new Command.TakeGate(drives.getFirst(), limitNanos));
    }

    /**
     * What {@code event} makes of this hold.
     *
     * @throws IllegalStateException when the event doesn't belong here
     */
    default Transition on(Event event) {
        return switch (this) {
            case Taking taking -> HoldRules.taking(taking, event);
            case Cutting cutting
            when event instanceof Event.CutsTaken -> new Transition(new Done(), new Command.LetGo(cutting.taken()));
            case Cutting cutting -> throw HoldRules.unexpected(this, event);
            case Done done -> throw HoldRules.unexpected(this, event);
            case GivenUp givenUp -> throw HoldRules.unexpected(this, event);
        };
    }

    /** Whether it ended, and how: empty while it goes on. */
    default Optional<Hold> ended() {
        return switch (this) {
            case Taking taking -> Optional.empty();
            case Cutting cutting -> Optional.empty();
            case Done done -> Optional.of(done);
            case GivenUp givenUp -> Optional.of(givenUp);
        };
    }
}
