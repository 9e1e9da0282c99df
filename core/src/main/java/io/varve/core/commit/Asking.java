package io.varve.core.commit;

import io.varve.core.id.DriveId;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * When an agent asks what became of units that it gave up: first after a while, since the conclusion in the log makes
 * the topology say it unasked, then with growing pauses. A clock says when to ask, never what is decided (I12).
 *
 * <p>Thread: the publisher only.
 */
public final class Asking {
    public static final Duration FIRST = Duration.ofSeconds(5);
    public static final Duration PAUSE_MAX = Duration.ofSeconds(60);

    private final Map<Question, Wait> waits = new HashMap<>();

    /** What became of {@code unit}, asked for a drive of it. */
    public record Question(DriveId drive, UnitId unit) {}

    private record Wait(long sinceNanos, long pauseNanos) {}

    /** Those of {@code open} that are to be asked now; others aren't waited for any more. */
    public Set<Question> due(Set<Question> open, long nowNanos) {
        waits.keySet().retainAll(open);
        Set<Question> due = new HashSet<>();
        for (Question question : open) {
            Wait wait = waits.computeIfAbsent(question, q -> new Wait(nowNanos, FIRST.toNanos()));
            if (nowNanos - wait.sinceNanos() >= wait.pauseNanos()) {
                due.add(question);
                waits.put(question, new Wait(nowNanos, Math.min(2 * wait.pauseNanos(), PAUSE_MAX.toNanos())));
            }
        }
        return due;
    }
}
