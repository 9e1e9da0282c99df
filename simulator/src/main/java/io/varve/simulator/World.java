package io.varve.simulator;

import io.varve.core.drive.BackupKey;
import io.varve.core.id.DriveId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;

/** All that takes part in one run. */
final class World {
    private final Schedule schedule;
    private final Rules rules;
    private final Faults faults;
    private final Broker broker;
    private final MemoryStore store;
    private final Oracle oracle;
    private final Invariants invariants;
    private final Streams streams;
    private final List<Sink> sinks = new ArrayList<>();
    private final Attempts attempts = new Attempts();
    private final Map<DriveId, Image> images = new TreeMap<>();
    private final List<Agent> agents = new ArrayList<>();
    private final boolean hasActivityLog;
    private final boolean hasSeldomBitmap;
    private long skewMillis;
    private long versions;

    World(Schedule schedule, Rules rules) {
        this.schedule = schedule;
        this.rules = rules;
        this.faults = new Faults(schedule, rules.emphasis());
        this.broker = new Broker(this);
        this.store = new MemoryStore(this);
        this.oracle = new Oracle(this);
        this.invariants = new Invariants(this);
        this.streams = new Streams(this);
        this.hasActivityLog = schedule.chance(75);
        this.hasSeldomBitmap = schedule.chance(40);
        int drives = schedule.between(1, 3);
        for (int index = 0; index < drives; index++) {
            images.put(new DriveId("d" + index), new Image(schedule.between(64, 200), schedule.chance(30)));
        }
        sinks.add(new Sink(this));
        sinks.add(new Sink(this));
    }

    Schedule schedule() {
        return schedule;
    }

    Rules rules() {
        return rules;
    }

    Faults faults() {
        return faults;
    }

    Broker broker() {
        return broker;
    }

    MemoryStore store() {
        return store;
    }

    Oracle oracle() {
        return oracle;
    }

    Invariants invariants() {
        return invariants;
    }

    Streams streams() {
        return streams;
    }

    List<Sink> sinks() {
        return sinks;
    }

    Attempts attempts() {
        return attempts;
    }

    List<DriveId> drives() {
        return List.copyOf(images.keySet());
    }

    Image image(DriveId drive) {
        return Objects.requireNonNull(images.get(drive));
    }

    /** Whether agents keep one. */
    boolean hasActivityLog() {
        return hasActivityLog;
    }

    /** Whether drives have a second bitmap. */
    boolean hasSeldomBitmap() {
        return hasSeldomBitmap;
    }

    List<Agent> agents() {
        return agents;
    }

    /** A clock as hosts have it: it jumps. */
    long wallMillis() {
        return schedule.nowMillis() + skewMillis;
    }

    void jump(long millis) {
        skewMillis += millis;
    }

    /** What no block holds yet. */
    long nextVersion() {
        return ++versions;
    }

    /** The point in time of a backup that runs. */
    Optional<PointInTime> snapshot(DriveId drive, BackupKey key) {
        return agents.stream()
                .flatMap(agent -> agent.drive(drive).stream())
                .flatMap(each -> Optional.ofNullable(each.running().get(key)).stream())
                .findFirst();
    }
}
