package io.varve.core.transaction;

import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.BitmapMode;
import io.varve.core.drive.FullCause;
import io.varve.core.drive.Recording;
import java.util.List;
import java.util.Optional;

/**
 * One action of a transaction, as QMP names them. Names are as the client gave them: whether they exist, and are valid,
 * is for the planner to say.
 */
public sealed interface Action {
    /** A block-dirty-bitmap-add; the granularity is 64 KiB when not given. */
    record AddBitmap(String node, String name, Optional<Long> granularityBytes, boolean persistent, Recording recording)
            implements Action {}

    record RemoveBitmap(String node, String name) implements Action {}

    record ClearBitmap(String node, String name) implements Action {}

    record EnableBitmap(String node, String name) implements Action {}

    record DisableBitmap(String node, String name) implements Action {}

    /** A block-dirty-bitmap-merge. */
    record MergeBitmaps(String node, String target, List<Source> sources) implements Action {
        public MergeBitmaps {
            sources = List.copyOf(sources);
        }

        /** A bitmap of a node. */
        public record Source(String node, String name) {}
    }

    /**
     * A drive-backup or blockdev-backup.
     *
     * @param because why it's a full one to the archive though nobody asked for that
     */
    record Backup(
            String node,
            SyncMode sync,
            Optional<String> bitmap,
            Optional<BitmapMode> bitmapMode,
            BackupTarget target,
            Optional<FullCause> because)
            implements Action {
        /** One that is as it was asked for. */
        public Backup(
                String node,
                SyncMode sync,
                Optional<String> bitmap,
                Optional<BitmapMode> bitmapMode,
                BackupTarget target) {
            this(node, sync, bitmap, bitmapMode, target, Optional.empty());
        }
    }

    /**
     * Any other, such as a blockdev-snapshot-sync, which its caller carries out and takes back: here it only has its
     * place among the others.
     *
     * @param type as QMP names it
     */
    record Opaque(String type) implements Action {}

    /** Fails the transaction. */
    record Abort() implements Action {}
}
