package io.varve.capture.tracking;

import io.varve.core.cut.Hold;
import io.varve.core.cut.Hold.Command;
import io.varve.core.cut.Hold.Event;
import io.varve.core.cut.Hold.Transition;
import io.varve.core.id.DriveId;
import java.util.List;
import java.util.SortedMap;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** Carries out {@link Hold} on real gates. Thread: the agent's control lock. */
final class GroupHold {
    private final SortedMap<DriveId, Gate> gates;
    private final LongSupplier nanos;

    GroupHold(SortedMap<DriveId, Gate> gates, LongSupplier nanos) {
        this.gates = gates;
        this.nanos = nanos;
    }

    /**
     * Takes the cuts with every gate held, or gives up.
     *
     * @param cuts must be quick and must not fail: guests wait
     * @return {@link Hold.Done} or {@link Hold.GivenUp}
     */
    Hold run(Runnable cuts) {
        long startNanos = nanos.getAsLong();
        long limitNanos = TimeUnit.MILLISECONDS.toNanos(AgentOptions.HOLD_MILLIS_MAX);
        Transition at = Hold.begin(List.copyOf(gates.keySet()), limitNanos);
        while (at.hold().ended().isEmpty()) {
            at = at.hold().on(perform(at.command(), cuts, startNanos));
        }
        if (at.command() instanceof Command.LetGo(List<DriveId> drives)) {
            letGo(drives);
        }
        return at.hold();
    }

    private Event perform(Command command, Runnable cuts, long startNanos) {
        return switch (command) {
            case Command.TakeGate(DriveId drive, long waitNanosMax) -> {
                boolean taken = take(drive, waitNanosMax);
                long elapsedNanos = nanos.getAsLong() - startNanos;
                yield taken ? new Event.GateTaken(drive, elapsedNanos) : new Event.GateNotTaken(drive, elapsedNanos);
            }
            case Command.TakeCuts takeCuts -> {
                takeCuts(cuts);
                yield new Event.CutsTaken();
            }
            case Command.LetGo letGo -> throw new IllegalStateException("a hold that goes on lets no gate go");
        };
    }

    private void takeCuts(Runnable cuts) {
        try {
            cuts.run();
        } catch (RuntimeException | Error e) {
            // Guests must go on, even past a bug.
            letGo(List.copyOf(gates.keySet()));
            throw e;
        }
    }

    private boolean take(DriveId drive, long waitNanosMax) {
        try {
            return gate(drive).tryHold(waitNanosMax);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private void letGo(List<DriveId> drives) {
        drives.forEach(drive -> gate(drive).letGo());
    }

    private Gate gate(DriveId drive) {
        Gate gate = gates.get(drive);
        if (gate == null) {
            throw new IllegalStateException("drive '" + drive + "' isn't in the hold");
        }
        return gate;
    }
}
