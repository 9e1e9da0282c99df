package io.varve.core.cut;

import io.varve.core.cut.Hold.Command;
import io.varve.core.cut.Hold.Event;
import io.varve.core.cut.Hold.Taking;
import io.varve.core.cut.Hold.Transition;
import io.varve.core.id.DriveId;
import java.util.ArrayList;
import java.util.List;

/** The transitions out of {@link Taking}. */
final class HoldRules {
    private HoldRules() {}

    static Transition taking(Taking taking, Event event) {
        return switch (event) {
            case Event.GateTaken(DriveId drive, long elapsedNanos)
            when drive.equals(next(taking)) -> taken(taking, drive, elapsedNanos);
            case Event.GateNotTaken(DriveId drive, long elapsedNanos)
            when drive.equals(next(taking)) -> givenUp(taking.taken(), drive, elapsedNanos);
            case Event.GateTaken other -> throw unexpected(taking, event);
            case Event.GateNotTaken other -> throw unexpected(taking, event);
            case Event.CutsTaken cuts -> throw unexpected(taking, event);
        };
    }

    private static DriveId next(Taking taking) {
        return taking.remaining().getFirst();
    }

    private static Transition taken(Taking taking, DriveId drive, long elapsedNanos) {
        List<DriveId> taken = new ArrayList<>(taking.taken());
        taken.add(drive);
        if (elapsedNanos >= taking.limitNanos()) {
            return givenUp(taken, drive, elapsedNanos);
        }
        List<DriveId> remaining =
                taking.remaining().subList(1, taking.remaining().size());
        if (remaining.isEmpty()) {
            return new Transition(new Hold.Cutting(List.copyOf(taken)), new Command.TakeCuts());
        }
        return new Transition(
                new Taking(taken, remaining, taking.limitNanos()),
                new Command.TakeGate(remaining.getFirst(), taking.limitNanos() - elapsedNanos));
    }

    // I9
    private static Transition givenUp(List<DriveId> taken, DriveId drive, long elapsedNanos) {
        String reason = "the writes of drive '" + drive + "' couldn't be held within the limit (gave up after "
                + elapsedNanos / 1_000_000 + " ms); nothing was changed: try again";
        return new Transition(new Hold.GivenUp(reason), new Command.LetGo(List.copyOf(taken)));
    }

    static IllegalStateException unexpected(Hold hold, Event event) {
        return new IllegalStateException("hold in state " + hold + " got " + event);
    }
}
