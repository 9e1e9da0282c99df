package io.varve.simulator;

import io.varve.core.commit.Outcome;
import io.varve.core.commit.Task;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.id.DriveId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * The log: a partition a drive, outcomes, and the queue of tasks. A sender may lose a batch, or the word that it's
 * there; what it gave up may still come, later than newer ones.
 */
final class Broker {
    private final World world;
    private final Map<DriveId, List<LogRecord>> partitions = new TreeMap<>();
    private final List<Outcome> outcomes = new ArrayList<>();
    private final List<Queued> tasks = new ArrayList<>();

    /** A task until it's acknowledged. */
    static final class Queued {
        private final Task task;
        private long freeAtMillis;

        Queued(Task task) {
            this.task = task;
        }

        Task task() {
            return task;
        }
    }

    Broker(World world) {
        this.world = world;
    }

    List<LogRecord> partition(DriveId drive) {
        return partitions.computeIfAbsent(drive, d -> new ArrayList<>());
    }

    Map<DriveId, List<LogRecord>> partitions() {
        return partitions;
    }

    List<Outcome> outcomes() {
        return outcomes;
    }

    /** Sends a batch; {@code delivered} hears whether the broker is known to have all of it. */
    void send(List<LogRecord> records, Consumer<Boolean> delivered) {
        Schedule schedule = world.schedule();
        int fate = world.faults().isOn() ? schedule.pick(100) : 99;
        int millis = schedule.between(1, 15);
        if (fate < 4) {
            schedule.after(millis + 300, () -> delivered.accept(false));
        } else if (fate < 8) {
            schedule.after(millis, () -> append(records));
            schedule.after(millis + 300, () -> delivered.accept(false));
        } else if (fate < 12) {
            schedule.after(schedule.between(300, 4000), () -> append(records));
            schedule.after(millis + 300, () -> delivered.accept(false));
        } else if (fate < 14) {
            int some = schedule.pick(records.size() + 1);
            schedule.after(millis, () -> append(records.subList(0, some)));
            schedule.after(millis + 300, () -> delivered.accept(false));
        } else {
            schedule.after(millis, () -> append(records));
            schedule.after(millis + schedule.between(1, 15), () -> delivered.accept(true));
        }
    }

    private void append(List<LogRecord> records) {
        for (LogRecord record : records) {
            if (world.faults().isOn() && world.schedule().chance(2)) {
                // An acknowledged record is gone: no promise of a broker, but the digests and numbers must see it.
                world.schedule().note(() -> "the log loses " + record);
                continue;
            }
            partition(record.drive()).add(record);
            world.schedule().note(() -> "the log has " + told(record));
        }
        world.streams().wake();
    }

    private static String told(LogRecord record) {
        return record.drive() + " " + record.control() + " of " + record.incarnation() + " "
                + (record.event() instanceof DriveEvent.ExtentsDirtied dirtied
                        ? "extents of generation " + dirtied.generation() + " " + dirtied.extents()
                        : record.event().getClass().getSimpleName());
    }

    void say(Outcome outcome) {
        outcomes.add(outcome);
        world.schedule().note(() -> "said: " + outcome);
        world.streams().wake();
        world.agents().forEach(Agent::hear);
    }

    void queue(Task task) {
        tasks.add(new Queued(task));
        if (world.faults().isOn() && world.schedule().chance(5)) {
            tasks.add(new Queued(task));
        }
        world.sinks().forEach(Sink::wake);
    }

    /** A task that nobody has at the moment, if there is one; it's given again unless it's acknowledged in time. */
    Optional<Queued> take() {
        long now = world.schedule().nowMillis();
        List<Queued> free = tasks.stream().filter(t -> t.freeAtMillis <= now).toList();
        if (free.isEmpty()) {
            return Optional.empty();
        }
        Queued taken = world.faults().isOn() ? world.schedule().any(free) : free.getFirst();
        taken.freeAtMillis = now + 3000;
        return Optional.of(taken);
    }

    boolean hasTasks() {
        return !tasks.isEmpty();
    }

    void acknowledge(Queued task) {
        tasks.remove(task);
    }
}
