package io.varve.chaos;

import java.util.List;
import java.util.Locale;

/**
 * What a run comes to.
 *
 * @param syncPoints restored and found legal
 * @param drives of these
 * @param agentBackNanos from each start of a new agent to the first write that it acknowledged
 */
record Figures(
        int rounds,
        int kills,
        int pauses,
        int syncPoints,
        int drives,
        int incremental,
        long writes,
        long unansweredWrites,
        List<Long> agentBackNanos) {
    Figures {
        agentBackNanos = List.copyOf(agentBackNanos);
    }

    double medianBackSeconds() {
        List<Long> sorted = agentBackNanos.stream().sorted().toList();
        return sorted.isEmpty() ? 0 : sorted.get(sorted.size() / 2) / 1e9;
    }

    double longestBackSeconds() {
        return agentBackNanos.stream().mapToLong(Long::longValue).max().orElse(0) / 1e9;
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "%d rounds: %d kills, %d pauses; %d sync points with %d drives (%d incremental) restored, all legal;"
                        + " %d writes acknowledged, %d of unknown outcome; %d times a new agent acknowledged a write"
                        + " after %.2f s (median; the longest %.2f s)",
                rounds,
                kills,
                pauses,
                syncPoints,
                drives,
                incremental,
                writes,
                unansweredWrites,
                agentBackNanos.size(),
                medianBackSeconds(),
                longestBackSeconds());
    }
}
