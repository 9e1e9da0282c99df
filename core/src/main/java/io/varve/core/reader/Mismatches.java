package io.varve.core.reader;

import io.varve.core.drive.BackupKey;
import io.varve.core.id.DriveId;
import java.util.Optional;

/**
 * What didn't have the digest that its agent told, and where in the log that was seen first: the same record, delivered
 * again, isn't a second mismatch. Thread: its reader's only.
 */
final class Mismatches {
    /** How often. */
    enum Seen {
        FIRST,
        AGAIN
    }

    private final ReaderStores.Positions first;

    Mismatches(ReaderStores.Positions first) {
        this.first = first;
    }

    Seen ofSeal(DriveId drive, long generation, long position) {
        return seen(seal(drive, generation), position);
    }

    Seen ofCut(DriveId drive, BackupKey backup, long position) {
        return seen(cut(drive, backup), position);
    }

    void sealAgrees(DriveId drive, long generation) {
        forget(seal(drive, generation));
    }

    void cutAgrees(DriveId drive, BackupKey backup) {
        forget(cut(drive, backup));
    }

    /** Forgets everything about a drive. */
    void forgetAll(DriveId drive) {
        first.names(drive).stream()
                .filter(name -> !KnownJournals.isLasting(drive, name))
                .forEach(first::remove);
    }

    private Seen seen(String name, long position) {
        Optional<Long> before = first.get(name);
        if (before.isEmpty()) {
            first.put(name, position);
            return Seen.FIRST;
        }
        return position > before.get() ? Seen.AGAIN : Seen.FIRST;
    }

    private void forget(String name) {
        if (first.get(name).isPresent()) {
            first.remove(name);
        }
    }

    private static String seal(DriveId drive, long generation) {
        return drive + "/seal/" + generation;
    }

    private static String cut(DriveId drive, BackupKey backup) {
        return drive + "/cut/" + backup.syncPoint() + "/" + backup.ordinal();
    }
}
