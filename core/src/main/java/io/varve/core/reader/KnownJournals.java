package io.varve.core.reader;

import io.varve.core.drive.DriveState;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.id.DriveId;
import java.util.Optional;

/**
 * Which journals of a drive began in the log, and where: one that another took the place of never comes back, even if
 * its beginning is published again (I8). Thread: its reader's only.
 */
final class KnownJournals {
    private static final String KIND = "/journal/";

    private final ReaderStores.Positions first;

    KnownJournals(ReaderStores.Positions first) {
        this.first = first;
    }

    /** Whether {@code name}, of a drive's positions, is kept for as long as the drive. */
    static boolean isLasting(DriveId drive, String name) {
        return name.startsWith(drive + KIND);
    }

    /** Whether the record begins a journal again that was superseded; notes where a journal began. */
    boolean isSuperseded(Optional<DriveState> state, LogRecord record, long position) {
        if (!(record.event() instanceof DriveEvent.DriveAttached attached)
                || attached.inherited().isPresent()) {
            return false;
        }
        String name = record.drive() + KIND + attached.journal();
        Optional<Long> began = first.get(name);
        if (began.isEmpty()) {
            first.put(name, position);
        }
        return began.filter(known -> known < position).isPresent()
                && state.filter(known -> !known.journal().equals(attached.journal()))
                        .isPresent();
    }
}
