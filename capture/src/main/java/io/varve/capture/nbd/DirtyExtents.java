package io.varve.capture.nbd;

import io.varve.core.bits.Marks;
import io.varve.formats.nbd.StatusExtent;
import java.util.ArrayList;
import java.util.List;

/** Marks as a {@code qemu:dirty-bitmap:} context tells them. */
public final class DirtyExtents {
    private static final long EXTENT_BYTES_MAX = 1L << 30;

    private DirtyExtents() {}

    /** The extents of a range, as {@link Export#blockStatus} tells them; {@code marks} must not change meanwhile. */
    public static List<StatusExtent> of(Marks marks, long offsetBytes, long lengthBytes, int extentsMax) {
        long endBytes = offsetBytes + lengthBytes;
        List<StatusExtent> extents = new ArrayList<>();
        for (long at = offsetBytes; at < endBytes && extents.size() < extentsMax; ) {
            long dirty = marks.nextDirty(at);
            boolean isDirty = dirty == at;
            long cleanUntil = dirty < 0 ? endBytes : Math.min(endBytes, dirty);
            long runEnd = isDirty ? marks.nextClean(at, endBytes) : cleanUntil;
            long runBytes = Math.min(runEnd - at, EXTENT_BYTES_MAX);
            extents.add(new StatusExtent(runBytes, isDirty ? StatusExtent.DIRTY : 0));
            at += runBytes;
        }
        return extents;
    }
}
