package io.varve.simulator;

import io.varve.core.commit.CommitProtocol;
import io.varve.core.commit.Outcome;
import io.varve.core.commit.UnitEffect;
import io.varve.core.commit.UnitId;
import io.varve.core.commit.UnitInput;
import io.varve.core.commit.UnitState;
import io.varve.core.event.LogRecord;
import io.varve.core.id.DriveId;
import io.varve.core.reader.FoldOutput;
import io.varve.core.reader.LogReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The topologies: the real reader of the log and the real commit protocol, with at-least-once delivery. A kill sets
 * what was read back to what was committed, and each store to that or to a later state.
 */
final class Streams {
    private static final int RECORDS_A_POLL = 12;
    private static final long SILENCE_MILLIS = 1500;

    private final World world;
    private final MemoryStores stores = new MemoryStores();
    private final Map<String, UnitState> units = new TreeMap<>();
    private final List<Addressed> inputs = new ArrayList<>();
    private final Map<String, Long> quietSince = new TreeMap<>();
    private LogReader reader;
    private Positions at = new Positions();
    private Positions committed = new Positions();
    private MemoryStores committedStores = new MemoryStores();
    private Map<String, UnitState> committedUnits = new TreeMap<>();
    private boolean isUp = true;
    private boolean isAwake;
    private boolean isWatching;
    /** Whether the record that was read last made the reader ask for others. */
    private boolean hasAsked;

    /** An input on its way to its unit. */
    private record Addressed(String unit, UnitInput input) {}

    /** Where reading goes on. */
    private static final class Positions {
        private final Map<DriveId, Integer> partitions = new TreeMap<>();
        private int outcomes;
        private int inputs;

        Positions copy() {
            Positions copy = new Positions();
            copy.partitions.putAll(partitions);
            copy.outcomes = outcomes;
            copy.inputs = inputs;
            return copy;
        }
    }

    Streams(World world) {
        this.world = world;
        this.reader = newReader();
    }

    private LogReader newReader() {
        return new LogReader(stores, this::said);
    }

    MemoryStores stores() {
        return stores;
    }

    void wake() {
        if (isUp && !isAwake) {
            isAwake = true;
            world.schedule().after(world.schedule().between(2, 40), this::poll);
        }
    }

    void kill() {
        isUp = false;
        world.schedule().note(() -> "streams are killed");
        if (world.schedule().chance(50)) {
            goOnCutOff();
        }
    }

    /** An instance that was cut off, and doesn't know that others have its work, is told of silence. */
    private void goOnCutOff() {
        for (UnitState unit : List.copyOf(units.values())) {
            Optional<UnitState> state = Optional.of(unit);
            List<UnitEffect> last = List.of();
            for (int silence = 0; silence <= CommitProtocol.ATTEMPTS_MAX; silence++) {
                CommitProtocol.Transition next = CommitProtocol.on(state, new UnitInput.Silence());
                state = next.state();
                last = next.effects();
            }
            List<UnitEffect> effects = last;
            world.schedule().after(world.schedule().between(100, 1200), () -> effects.forEach(this::perform));
        }
    }

    void start() {
        if (!isUp) {
            isUp = true;
            stores.fallBack(committedStores, world.schedule());
            if (world.schedule().chance(75)) {
                units.clear();
                units.putAll(committedUnits);
            }
            at = committed.copy();
            reader = newReader();
            quietSince.clear();
            units.forEach((unit, state) -> quiet(unit, state));
            world.schedule().note(() -> "streams start again");
            wake();
        }
    }

    private void poll() {
        isAwake = false;
        if (!isUp) {
            return;
        }
        boolean more = readLog();
        readOutcomes();
        while (at.inputs < inputs.size()) {
            Addressed addressed = inputs.get(at.inputs++);
            move(addressed.unit(), addressed.input());
        }
        if (world.schedule().chance(12)) {
            commit();
        }
        if (more) {
            wake();
        }
    }

    private void commit() {
        committed = at.copy();
        if (world.faults().has(Faults.Kind.STREAMS_KILL)) {
            committedStores = stores.copy();
            committedUnits = new TreeMap<>(units);
        }
    }

    /** Whether there may be more. */
    private boolean readLog() {
        int left = RECORDS_A_POLL;
        for (DriveId drive : world.drives()) {
            List<LogRecord> partition = world.broker().partition(drive);
            int position = at.partitions.getOrDefault(drive, 0);
            while (position < partition.size() && left > 0) {
                LogRecord record = partition.get(position);
                Optional<LogRecord> taken = world.rules().read(record, stores);
                int offset = position;
                hasAsked = false;
                taken.ifPresent(each -> reader.on(each, offset));
                world.invariants().read(record, stores, hasAsked);
                position++;
                left--;
            }
            at.partitions.put(drive, position);
        }
        return left == 0;
    }

    private void said(FoldOutput output) {
        switch (output) {
            case FoldOutput.ToUnit(String unit, UnitInput input) -> {
                world.invariants().offered(input);
                inputs.add(new Addressed(unit, input));
            }
            case FoldOutput.ToAgent(Outcome outcome) -> {
                hasAsked = true;
                world.broker().say(outcome);
            }
            case FoldOutput.Warning(String text) -> world.schedule().note(() -> "streams warn: " + text);
        }
    }

    private void readOutcomes() {
        while (at.outcomes < world.broker().outcomes().size()) {
            Outcome outcome = world.broker().outcomes().get(at.outcomes++);
            unitOf(outcome)
                    .ifPresent(unit -> inputs.add(new Addressed(unit.toString(), new UnitInput.Heard(unit, outcome))));
        }
    }

    private static Optional<UnitId> unitOf(Outcome outcome) {
        return switch (outcome) {
            case Outcome.Progress progress -> Optional.of(progress.unit());
            case Outcome.Copied copied -> Optional.of(copied.unit());
            case Outcome.CopyFailed failed -> Optional.of(failed.unit());
            case Outcome.AbortRequested requested -> Optional.of(requested.unit());
            case Outcome.Decided decided -> Optional.of(decided.unit());
            case Outcome.RepublicationRequested requested -> Optional.empty();
        };
    }

    private void move(String unit, UnitInput input) {
        CommitProtocol.Transition next = CommitProtocol.on(Optional.ofNullable(units.get(unit)), input);
        next.effects().forEach(this::perform);
        next.state().ifPresent(state -> {
            units.put(unit, state);
            quiet(unit, state);
        });
    }

    private void perform(UnitEffect effect) {
        switch (effect) {
            case UnitEffect.Send(var task) -> {
                world.schedule().note(() -> "task: " + task.getClass().getSimpleName() + " of " + task.unit());
                world.broker().queue(task);
            }
            case UnitEffect.Tell(Outcome.Decided decided) -> world.broker().say(decided);
        }
    }

    private void quiet(String unit, UnitState state) {
        if (state instanceof UnitState.Decided) {
            quietSince.remove(unit);
        } else {
            quietSince.put(unit, world.wallMillis());
            watch();
        }
    }

    private void watch() {
        if (!isWatching) {
            isWatching = true;
            world.schedule().after(SILENCE_MILLIS / 2, () -> {
                isWatching = false;
                if (isUp) {
                    checkSilence();
                }
                if (!quietSince.isEmpty()) {
                    watch();
                }
            });
        }
    }

    private void checkSilence() {
        long now = world.wallMillis();
        for (Map.Entry<String, Long> entry : List.copyOf(quietSince.entrySet())) {
            if (now - entry.getValue() >= SILENCE_MILLIS) {
                move(entry.getKey(), new UnitInput.Silence());
            }
        }
    }
}
