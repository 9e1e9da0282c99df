package io.varve.core.reader;

import io.varve.core.drive.BackupKey;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.UndecidedBackup;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Bitmaps that may lack what a stranger wrote: their anchors are void until a backup that began afterwards anchors them
 * (I8). Two things must not bring them back: a checkpoint, since the agent that writes it knows nothing of strangers;
 * and a backup that the log told of before the stranger, but behind a gap, so that its marker is read only when it
 * comes again.
 *
 * <p>Thread: its reader's only.
 */
final class StrangeWrites {
    private static final String BITMAP = "/strange/";
    private static final String SEEN = "/seen-behind-a-gap";
    private static final String OLDER = "/older-than-a-stranger";

    private final ReaderStores.Positions seen;

    StrangeWrites(ReaderStores.Positions seen) {
        this.seen = seen;
    }

    /** A stranger's record was seen, which left {@code state}. */
    void suspected(DriveState state, long position) {
        state.bitmaps().keySet().forEach(name -> seen.put(key(state.drive(), name), position));
        seen.get(state.drive() + SEEN).ifPresent(control -> seen.put(state.drive() + OLDER, control));
    }

    /** What a record comes to: {@code after} is what its fold says. */
    DriveState settled(DriveState before, LogRecord record, DriveState after) {
        note(before, record);
        DriveState settled = after;
        if (record.event() instanceof DriveEvent.SyncPointMarked(var mark)
                && seen.get(after.drive() + OLDER)
                        .filter(control -> record.control() <= control)
                        .isPresent()) {
            settled = unanchoring(settled, mark.key());
        }
        for (Bitmap bitmap : before.bitmaps().values()) {
            settled = settled(before, record, settled, bitmap);
        }
        forget(SEEN, settled);
        forget(OLDER, settled);
        return settled;
    }

    private void note(DriveState before, LogRecord record) {
        String name = before.drive() + SEEN;
        if (record.control() > before.control() + 1
                && before.line().contains(record.incarnation())
                && seen.get(name).filter(control -> control >= record.control()).isEmpty()) {
            seen.put(name, record.control());
        }
    }

    private void forget(String kind, DriveState state) {
        String name = state.drive() + kind;
        if (seen.get(name).filter(control -> control <= state.control()).isPresent()) {
            seen.remove(name);
        }
    }

    /** The commit of a backup that is older than the stranger's record will anchor nothing. */
    private DriveState unanchoring(DriveState state, BackupKey key) {
        UndecidedBackup backup = state.undecided().get(key);
        if (backup == null) {
            return state;
        }
        backup.anchors().forEach(name -> seen.put(key(state.drive(), name), 0));
        SortedMap<BackupKey, UndecidedBackup> undecided = new TreeMap<>(state.undecided());
        undecided.put(key, backup.voiding(backup.anchors()));
        return state.withUndecided(undecided);
    }

    private DriveState settled(DriveState before, LogRecord record, DriveState after, Bitmap bitmap) {
        BitmapName name = bitmap.name();
        boolean isAnchored = after.bitmap(name).flatMap(Bitmap::anchor).isPresent();
        boolean isNews =
                after.bitmap(name).isEmpty() || (isAnchored && bitmap.anchor().isEmpty());
        if (!isNews || seen.get(key(after.drive(), name)).isEmpty()) {
            return after;
        }
        if (record.event() instanceof DriveEvent.Checkpoint && isAnchored) {
            return voided(before, after, name);
        }
        seen.remove(key(after.drive(), name));
        return after;
    }

    /** Without the anchor of {@code name}, now or by the commit of a backup that began before. */
    private static DriveState voided(DriveState before, DriveState after, BitmapName name) {
        SortedMap<BackupKey, UndecidedBackup> undecided = new TreeMap<>(after.undecided());
        undecided.replaceAll((key, backup) -> isAnchoring(before, key, name) ? backup : backup.voiding(name));
        DriveState rest = after.withUndecided(undecided);
        return rest.bitmap(name)
                .map(bitmap -> rest.with(bitmap.withAnchor(Optional.empty())))
                .orElse(rest);
    }

    private static boolean isAnchoring(DriveState state, BackupKey key, BitmapName name) {
        UndecidedBackup backup = state.undecided().get(key);
        return backup != null && backup.anchors().contains(name);
    }

    private static String key(DriveId drive, BitmapName name) {
        return drive + BITMAP + name;
    }
}
