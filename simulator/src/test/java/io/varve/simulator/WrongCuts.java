package io.varve.simulator;

import io.varve.core.drive.Conclusion;
import io.varve.core.drive.Cut;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.drive.UndecidedBackup;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import java.util.SortedSet;
import java.util.TreeSet;

/** Sabotage of what becomes of a cut, and of the group's instant. */
final class WrongCuts {
    private WrongCuts() {}

    private static DriveState without(DriveState state, SyncPointMark mark) {
        if (mark.cut().isEmpty()) {
            return state;
        }
        Cut cut = mark.cut().get();
        return state.bitmap(cut.bitmap())
                .map(bitmap -> {
                    SortedSet<Long> rest = new TreeSet<>(bitmap.generations());
                    rest.removeAll(cut.generations());
                    return state.with(bitmap.withGenerations(rest));
                })
                .orElse(state);
    }

    /** A backup's failure drops the cut's bits. */
    record DroppedOnFailure() implements Rules {
        @Override
        public DriveState folded(DriveState before, LogRecord record, DriveState after) {
            if (record.event() instanceof DriveEvent.BackupConcluded(var key, var conclusion)
                    && !(conclusion instanceof Conclusion.Committed)) {
                UndecidedBackup backup = before.undecided().get(key);
                return backup == null ? after : without(after, backup.mark());
            }
            return after;
        }
    }

    /** The cut's bits go as soon as it's frozen. */
    record FreedAtFreeze() implements Rules {
        @Override
        public DriveState folded(DriveState before, LogRecord record, DriveState after) {
            return record.event() instanceof DriveEvent.SyncPointMarked(var mark) ? without(after, mark) : after;
        }
    }

    /** Each drive is cut for itself. */
    record WithoutHold() implements Rules {
        @Override
        public boolean holdsGroup() {
            return false;
        }
    }
}
