package io.varve.schemas.mapping;

import io.varve.core.bits.Extent;
import java.util.ArrayList;
import java.util.List;

/**
 * Extents as small numbers: for each, the units between the end of the one before (at first, offset 0) and its start,
 * then its own units. The unit is the largest power of two that divides every offset and length.
 *
 * @param unitShift log2 of the unit in bytes
 */
record DeltaExtents(int unitShift, List<Long> runs) {
    private static final int SHIFT_MAX = 62;

    /** @param extents ascending and disjoint */
    static DeltaExtents of(List<Extent> extents) {
        long ones = 1L << SHIFT_MAX;
        for (Extent extent : extents) {
            ones |= extent.offsetBytes() | extent.lengthBytes();
        }
        int shift = Long.numberOfTrailingZeros(ones);
        List<Long> runs = new ArrayList<>(extents.size() * 2);
        long endBytes = 0;
        for (Extent extent : extents) {
            if (extent.offsetBytes() < endBytes) {
                throw new IllegalArgumentException("extent at offset " + extent.offsetBytes()
                        + " bytes begins before the end of the one before, " + endBytes);
            }
            runs.add((extent.offsetBytes() - endBytes) >>> shift);
            runs.add(extent.lengthBytes() >>> shift);
            endBytes = extent.endBytes();
        }
        return new DeltaExtents(shift, runs);
    }

    List<Extent> extents() {
        if (unitShift < 0 || unitShift > SHIFT_MAX || runs.size() % 2 != 0) {
            throw new IllegalArgumentException("delta-encoded extents with unit shift " + unitShift + " and "
                    + runs.size() + " numbers; expected a shift of 0 to " + SHIFT_MAX + " and pairs");
        }
        List<Extent> extents = new ArrayList<>(runs.size() / 2);
        long endBytes = 0;
        for (int run = 0; run < runs.size(); run += 2) {
            Extent extent = new Extent(Math.addExact(endBytes, bytes(runs.get(run))), bytes(runs.get(run + 1)));
            extents.add(extent);
            endBytes = extent.endBytes();
        }
        return extents;
    }

    private long bytes(long units) {
        if (units < 0 || units > Long.MAX_VALUE >>> unitShift) {
            throw new IllegalArgumentException(
                    "delta-encoded extents hold " + units + " units of 2^" + unitShift + " bytes");
        }
        return units << unitShift;
    }
}
