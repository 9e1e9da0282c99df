package io.varve.restore;

import io.varve.archive.Catalog;
import io.varve.archive.SyncPoint;
import io.varve.archive.store.ObjectStore;
import java.io.IOException;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.temporal.ChronoUnit;
import java.util.Comparator;

/**
 * The sync point that a time stands for: the latest one that is whole and not younger. Times count in whole seconds, as
 * the list of sync points shows them.
 */
final class SyncPointAt {
    private final ObjectStore store;

    SyncPointAt(ObjectStore store) {
        this.store = store;
    }

    /**
     * The id of the sync point.
     *
     * @param zone of a time that names none
     * @throws RestoreFailedException when there is none, or the text isn't a time
     */
    String find(String text, ZoneId zone) throws IOException {
        Instant time = time(text, zone);
        return new Catalog(store)
                .list().stream()
                        .filter(point -> point.state() instanceof SyncPoint.State.Committed)
                        .filter(point -> point.created()
                                .filter(created ->
                                        !created.truncatedTo(ChronoUnit.SECONDS).isAfter(time))
                                .isPresent())
                        .max(Comparator.comparing(point -> point.created().orElseThrow()))
                        .orElseThrow(() -> new RestoreFailedException("no whole sync point in " + store.describe()
                                + " is as old as " + time + "; list what there is with 'varve sync-points'"))
                        .id()
                        .value();
    }

    private static Instant time(String text, ZoneId zone) throws RestoreFailedException {
        try {
            return text.endsWith("Z")
                    ? Instant.parse(text)
                    : LocalDateTime.parse(text).atZone(zone).toInstant();
        } catch (DateTimeException e) {
            throw new RestoreFailedException(
                    "'" + text + "' isn't a time; expected one like 2026-11-24T10:15 or 2026-11-24T10:15:00Z", e);
        }
    }
}
