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
 * Bitmaps that may lack what a stranger wrote. Their anchors are void, and a checkpoint doesn't bring them back, since
 * the agent that writes it knows nothing of strangers; a backup that begins afterwards does (I8).
 *
 * <p>Thread: its reader's only.
 */
final class StrangeWrites {
    private static final String KIND = "/strange/";

    private final ReaderStores.Positions seen;

    StrangeWrites(ReaderStores.Positions seen) {
        this.seen = seen;
    }

    /** A stranger's record was seen, which left {@code state}. */
    void suspected(DriveState state, long position) {
        state.bitmaps().keySet().forEach(name -> seen.put(key(state.drive(), name), position));
    }

    /** What a record comes to: {@code after} is what its fold says. */
    DriveState settled(DriveState before, LogRecord record, DriveState after) {
        DriveState settled = after;
        for (Bitmap bitmap : before.bitmaps().values()) {
            BitmapName name = bitmap.name();
            boolean isAnchored = after.bitmap(name).flatMap(Bitmap::anchor).isPresent();
            boolean isNews = after.bitmap(name).isEmpty()
                    || (isAnchored && bitmap.anchor().isEmpty());
            if (isNews && seen.get(key(after.drive(), name)).isPresent()) {
                if (record.event() instanceof DriveEvent.Checkpoint && isAnchored) {
                    settled = voided(before, settled, name);
                } else {
                    seen.remove(key(after.drive(), name));
                }
            }
        }
        return settled;
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
        return drive + KIND + name;
    }
}
