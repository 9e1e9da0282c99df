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
import java.util.List;
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
    private final ProcessorContext<String, UnitOutput> context;
    private final UnitStores stores;
    private final Duration silence;
    private final Map<String, Long> heardMillis = new HashMap<>();

    UnitFlow(ProcessorContext<String, UnitOutput> context, UnitStores stores, Duration silence) {
        this.context = context;
        this.stores = stores;
        this.silence = silence;
        stores.undecided().forEach(unit -> heardMillis.put(unit, context.currentSystemTimeMs()));
    }

    void on(String unit, UnitInput input, long timestamp) {
        heardMillis.put(unit, context.currentSystemTimeMs());
        move(unit, putCutAway(unit, input), timestamp);
    }

    /** Tells every unit that has been silent for too long. */
    void checkSilence(long nowMillis) {
        List<String> silent = heardMillis.entrySet().stream()
                .filter(heard -> nowMillis - heard.getValue() >= silence.toMillis())
                .map(Map.Entry::getKey)
                .toList();
        for (String unit : silent) {
            heardMillis.put(unit, nowMillis);
            move(unit, new UnitInput.Silence(), nowMillis);
        }
    }

    private UnitInput putCutAway(String unit, UnitInput input) {
        return input instanceof UnitInput.PartOffered(Part part)
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
            heardMillis.remove(unit);
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
