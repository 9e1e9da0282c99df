package io.varve.core.drive;

import io.varve.core.id.BitmapName;
import java.util.Collections;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * A backup whose outcome isn't known yet.
 *
 * @param anchors the mark's, less those that were voided since
 */
public record UndecidedBackup(SyncPointMark mark, Phase phase, SortedSet<BitmapName> anchors) {
    public UndecidedBackup {
        anchors = Collections.unmodifiableSortedSet(new TreeSet<>(anchors));
    }

    /** Where the cut's bits are. */
    public enum Phase {
        /** Frozen in the busy bitmap. */
        RUNNING,
        /** Back in the bitmap: a commit that arrives now drops nothing, it only anchors. */
        PUT_BACK
    }

    public UndecidedBackup withPhase(Phase phase) {
        return new UndecidedBackup(mark, phase, anchors);
    }

    /** The same without any of {@code bitmaps} among those that a commit anchors. */
    public UndecidedBackup voiding(SortedSet<BitmapName> bitmaps) {
        TreeSet<BitmapName> rest = new TreeSet<>(anchors);
        rest.removeAll(bitmaps);
        return new UndecidedBackup(mark, phase, rest);
    }

    /** The same without {@code bitmap} among those that a commit anchors. */
    public UndecidedBackup voiding(BitmapName bitmap) {
        TreeSet<BitmapName> rest = new TreeSet<>(anchors);
        rest.remove(bitmap);
        return new UndecidedBackup(mark, phase, rest);
    }
}
