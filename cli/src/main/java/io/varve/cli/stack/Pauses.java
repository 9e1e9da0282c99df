package io.varve.cli.stack;

import java.time.Duration;

/**
 * How long a member that ended waits before it's started again: each time twice as long, up to a bound, and from the
 * beginning when it had served for a while. It's never given up: guests' drives don't hang on how often a sink dies.
 */
final class Pauses {

    private static final Duration FIRST = Duration.ofMillis(250);
    private static final Duration LONGEST = Duration.ofSeconds(30);
    private static final Duration SERVED_WELL = Duration.ofSeconds(20);

    private Duration next = FIRST;

    /** The pause after a process that served for so long, zero when it never did. */
    Duration after(Duration served) {
        if (served.compareTo(SERVED_WELL) >= 0) {
            next = FIRST;
        }
        var pause = next;
        var twice = next.multipliedBy(2);
        next = twice.compareTo(LONGEST) > 0 ? LONGEST : twice;
        return pause;
    }
}
