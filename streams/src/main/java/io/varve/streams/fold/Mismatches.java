package io.varve.streams.fold;

import io.varve.core.drive.BackupKey;
import io.varve.core.id.DriveId;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * What didn't have the digest that its agent told, and where in the log that was seen first: the same record, delivered
 * again, isn't a second mismatch. Thread: its task's only.
 */
final class Mismatches {
    /** How often. */
    enum Seen {
        FIRST,
        AGAIN
    }

    private final KeyValueStore<String, Long> firstOffsets;

    Mismatches(KeyValueStore<String, Long> firstOffsets) {
        this.firstOffsets = firstOffsets;
    }

    Seen ofSeal(DriveId drive, long generation, long offset) {
        return seen(seal(drive, generation), offset);
    }

    Seen ofCut(DriveId drive, BackupKey backup, long offset) {
        return seen(cut(drive, backup), offset);
    }

    void sealAgrees(DriveId drive, long generation) {
        forget(seal(drive, generation));
    }

    void cutAgrees(DriveId drive, BackupKey backup) {
        forget(cut(drive, backup));
    }

    /** Forgets everything about a drive. */
    void forgetAll(DriveId drive) {
        List<String> keys = new ArrayList<>();
        try (KeyValueIterator<String, Long> all = firstOffsets.range(drive + "/", drive + "0")) {
            all.forEachRemaining(entry -> keys.add(entry.key));
        }
        keys.forEach(firstOffsets::delete);
    }

    private Seen seen(String key, long offset) {
        Long first = firstOffsets.get(key);
        if (first == null) {
            firstOffsets.put(key, offset);
            return Seen.FIRST;
        }
        return offset > first ? Seen.AGAIN : Seen.FIRST;
    }

    private void forget(String key) {
        if (firstOffsets.get(key) != null) {
            firstOffsets.delete(key);
        }
    }

    private static String seal(DriveId drive, long generation) {
        return drive + "/seal/" + generation;
    }

    private static String cut(DriveId drive, BackupKey backup) {
        return drive + "/cut/" + backup.syncPoint() + "/" + backup.ordinal();
    }
}
