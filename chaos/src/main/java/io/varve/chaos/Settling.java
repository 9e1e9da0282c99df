package io.varve.chaos;

import io.varve.chaos.Cut.Ending;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Takes the backup of all drives that must be possible once every process serves again. */
final class Settling {
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final long RETRY_MILLIS = 50;
    private static final int FAILURES_MAX = 2;
    private static final String WAITS = "isn't decided yet";

    private final Backups backups;
    private final EventLog events;

    Settling(Backups backups, EventLog events) {
        this.backups = backups;
        this.events = events;
    }

    /**
     * Takes it.
     *
     * @param taken hears of every try
     * @return the sync point's id
     */
    String take(boolean full, Consumer<Cut> taken) throws InterruptedException, RoundFailedException {
        long startNanos = System.nanoTime();
        int failures = 0;
        while (System.nanoTime() - startNanos < PATIENCE.toNanos() && failures <= FAILURES_MAX) {
            Optional<Cut> cut = backups.take(new Cut.Request(List.of(), true, full));
            if (cut.isPresent()) {
                taken.accept(cut.get());
                switch (cut.get().ending()) {
                    case Ending.Committed(String id) -> {
                        events.note("settled after " + (System.nanoTime() - startNanos) / 1_000_000 + " ms");
                        return id;
                    }
                    case Ending.NotCommitted failed -> failures++;
                    case Ending.Lost lost ->
                        throw new RoundFailedException("the agent was lost though nobody killed it");
                    case Ending.Refused(String reason) -> failures += reason.contains(WAITS) ? 0 : 1;
                }
            }
            TimeUnit.MILLISECONDS.sleep(RETRY_MILLIS);
        }
        throw new RoundFailedException("no backup of all drives was committed within " + PATIENCE.toSeconds()
                + " s and " + (FAILURES_MAX + 1) + " failures, though every process serves");
    }
}
