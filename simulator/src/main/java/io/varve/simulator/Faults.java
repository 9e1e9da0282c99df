package io.varve.simulator;

import java.util.EnumSet;
import java.util.Set;

/** Which faults a run has, and when. */
final class Faults {
    /** Kinds of faults: each run draws some. */
    enum Kind {
        AGENT_KILL,
        HOST_CRASH,
        ORDERLY_RESTART,
        HANDOVER,
        STREAMS_KILL,
        SINK_KILL,
        STORE_FAILS,
        STORE_LIES,
        CLOCK_JUMP,
        USER,
        STRANGER,
        COLLECTOR
    }

    private final Schedule schedule;
    private final Set<Kind> kinds = EnumSet.noneOf(Kind.class);
    private boolean isOn = true;

    /** @param always kinds that aren't left to chance */
    Faults(Schedule schedule, Set<Kind> always) {
        this.schedule = schedule;
        for (Kind kind : Kind.values()) {
            if (schedule.chance(kind == Kind.STRANGER ? 12 : kind == Kind.HOST_CRASH ? 30 : 45)) {
                kinds.add(kind);
            }
        }
        kinds.addAll(always);
    }

    boolean isOn() {
        return isOn;
    }

    void end() {
        isOn = false;
    }

    boolean has(Kind kind) {
        return kinds.contains(kind);
    }

    boolean storeFails() {
        return isOn && has(Kind.STORE_FAILS) && schedule.chance(8);
    }

    boolean storeLies() {
        return isOn && has(Kind.STORE_LIES) && schedule.chance(8);
    }

    @Override
    public String toString() {
        return kinds.toString();
    }
}
