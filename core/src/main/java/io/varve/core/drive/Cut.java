package io.varve.core.drive;

import io.varve.core.bits.Digest;
import io.varve.core.bits.Granularity;
import io.varve.core.id.BitmapName;
import java.util.Collections;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * The frozen content of a bitmap.
 *
 * @param mode what becomes of it
 * @param generations all sealed
 * @param granularity the bitmap's
 * @param dirtyBytes dirty granules times the granularity
 * @param digest of the union of the generations' marks at {@code granularity} and the drive's size
 */
public record Cut(
        BitmapName bitmap,
        BitmapMode mode,
        SortedSet<Long> generations,
        Granularity granularity,
        long dirtyBytes,
        Digest digest) {
    public Cut {
        generations = Collections.unmodifiableSortedSet(new TreeSet<>(generations));
    }
}
