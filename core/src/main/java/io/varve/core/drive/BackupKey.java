package io.varve.core.drive;

import io.varve.core.id.SyncPointId;
import java.util.Comparator;

/**
 * One backup of one drive within a sync point.
 *
 * @param ordinal 0, 1, 2 … : a transaction may back one drive up to several files, but only once to the archive
 */
public record BackupKey(SyncPointId syncPoint, int ordinal) implements Comparable<BackupKey> {
    private static final Comparator<BackupKey> ORDER =
            Comparator.comparing(BackupKey::syncPoint).thenComparingInt(BackupKey::ordinal);

    @Override
    public int compareTo(BackupKey other) {
        return ORDER.compare(this, other);
    }
}
