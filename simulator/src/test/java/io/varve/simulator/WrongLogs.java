package io.varve.simulator;

import io.varve.core.bits.Extent;
import java.util.List;
import java.util.Set;

/** Sabotage of the activity log, and of what is kept of writes of unknown outcome (reliability.md section 6). */
final class WrongLogs {
    private WrongLogs() {}

    /** A write goes on before its regions are in the log. */
    record WithoutWaiting() implements Rules {
        @Override
        public Set<Faults.Kind> emphasis() {
            return Set.of(Faults.Kind.HOST_CRASH);
        }

        @Override
        public boolean awaitsLog() {
            return false;
        }
    }

    /** A region leaves the log without its marks being durable (6.6). */
    record WithoutMarks() implements Rules {
        @Override
        public Set<Faults.Kind> emphasis() {
            return Set.of(Faults.Kind.HOST_CRASH);
        }

        @Override
        public boolean keepsMarksFirst() {
            return false;
        }
    }

    /** A new run doesn't seed its generations with what the one before lost (6.19). */
    record ForgetsTheLost() implements Rules {
        @Override
        public Set<Faults.Kind> emphasis() {
            return Set.of(Faults.Kind.AGENT_KILL);
        }

        @Override
        public List<Extent> afterRestart(List<Extent> lost) {
            return List.of();
        }
    }
}
