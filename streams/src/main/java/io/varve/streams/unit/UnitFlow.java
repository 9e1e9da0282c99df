package io.varve.streams.unit;

import io.varve.core.commit.CommitProtocol;
import io.varve.core.commit.Outcome;
import io.varve.core.commit.Part;
import io.varve.core.commit.Task;
import io.varve.core.commit.UnitEffect;
import io.varve.core.commit.UnitInput;
import io.varve.core.commit.UnitState;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;

/**
 * Moves a task's units on: a shell around {@link CommitProtocol}. A clock says when a unit has been silent, never what
 * becomes of it (I12); when each was heard last isn't stored, so a restart begins to wait anew.
 *
 * <p>Thread: its task's only.
 */
final class UnitFlow {
    private static final int DOUBLINGS_MAX = 6;

    private final ProcessorContext<String, UnitOutput> context;
    private final UnitStores stores;
    private final Duration silence;
    /** Each undecided unit's silence. */
    private final Map<String, Quiet> quiet = new HashMap<>();

    UnitFlow(ProcessorContext<String, UnitOutput> context, UnitStores stores, Duration silence) {
        this.context = context;
        this.stores = stores;
        this.silence = silence;
        stores.undecided().forEach(unit -> quiet.put(unit, new Quiet(context.currentSystemTimeMs(), 0)));
    }

    /**
     * How long nothing is heard of a unit.
     *
     * @param sinceMillis when it was heard, or told of its silence, last
     * @param told how often it was told since it was heard
     */
    private record Quiet(long sinceMillis, int told) {
        /** Each time twice as long: a queue that is slow must not be filled with repeats. */
        boolean isLong(long nowMillis, Duration silence) {
            return nowMillis - sinceMillis >= silence.toMillis() << Math.min(told, DOUBLINGS_MAX);
        }
    }

    void on(String unit, UnitInput input, long timestamp) {
        quiet.put(unit, new Quiet(context.currentSystemTimeMs(), 0));
        move(unit, putCutAway(unit, input), timestamp);
    }

    /** Tells every unit that has been silent for too long. */
    void checkSilence(long nowMillis) {
        Map<String, Quiet> silent = new HashMap<>(quiet);
        silent.values().removeIf(since -> !since.isLong(nowMillis, silence));
        silent.forEach((unit, since) -> {
            quiet.put(unit, new Quiet(nowMillis, since.told() + 1));
            move(unit, new UnitInput.Silence(), nowMillis);
        });
    }

    /** What comes after the decision is forgotten by nobody. */
    private UnitInput putCutAway(String unit, UnitInput input) {
        boolean isDecided =
                stores.state(unit).filter(UnitState.Decided.class::isInstance).isPresent();
        return !isDecided && input instanceof UnitInput.PartOffered(Part part)
                ? new UnitInput.PartOffered(stores.withoutCut(unit, part))
                : input;
    }

    private void move(String unit, UnitInput input, long timestamp) {
        Optional<UnitState> before = stores.state(unit);
        CommitProtocol.Transition next = CommitProtocol.on(before, input);
        next.effects().forEach(effect -> perform(unit, effect, timestamp));
        if (!next.state().equals(before)) {
            next.state().ifPresent(state -> {
                stores.put(unit, state);
                context.forward(new Record<>(unit, new UnitOutput.Changed(state), timestamp));
            });
        }
        if (next.state().filter(state -> !(state instanceof UnitState.Decided)).isEmpty()) {
            quiet.remove(unit);
        }
    }

    private void perform(String unit, UnitEffect effect, long timestamp) {
        switch (effect) {
            case UnitEffect.Send(Task.Copy(Part part, int attempt)) ->
                context.forward(new Record<>(
                        unit + "/" + part.drive(),
                        new UnitOutput.ToSinks(new Task.Copy(stores.withCut(unit, part), attempt)),
                        timestamp));
            case UnitEffect.Send(Task.Decide decide) ->
                context.forward(new Record<>(unit, new UnitOutput.ToSinks(decide), timestamp));
            case UnitEffect.Tell(Outcome.Decided decided) ->
                context.forward(new Record<>(decided.drive().value(), new UnitOutput.ToAgent(decided), timestamp));
        }
    }
}
