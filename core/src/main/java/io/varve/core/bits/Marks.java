package io.varve.core.bits;

import java.util.ArrayList;
import java.util.List;

/**
 * The marks of one generation, or the union of several: which granules of a drive of {@code sizeBytes} are dirty.
 *
 * <p>Any byte of a range marks its whole granule: both ends are rounded outwards, so with 64 KiB granules a write of
 * one byte at offset 65,535 marks granule 0, and one of two bytes there marks granules 0 and 1. What lies past the end
 * of the drive is dropped.
 *
 * <p>Thread: as {@link HierarchicalBitSet}.
 */
public final class Marks {
    private final Granularity granularity;
    private final long sizeBytes;
    private final HierarchicalBitSet bits;

    /** Marks kept in {@code bits}, which has one bit a granule. */
    public Marks(Granularity granularity, long sizeBytes, HierarchicalBitSet bits) {
        if (bits.bitCount() != Math.max(1, granularity.granules(sizeBytes))) {
            throw new IllegalArgumentException("bit set of " + bits.bitCount() + " bits; expected "
                    + granularity.granules(sizeBytes) + " granules of " + granularity.bytes() + " bytes for a drive of "
                    + sizeBytes + " bytes");
        }
        this.granularity = granularity;
        this.sizeBytes = sizeBytes;
        this.bits = bits;
    }

    /** No marks, on the heap. */
    public static Marks none(Granularity granularity, long sizeBytes) {
        return new Marks(
                granularity, sizeBytes, HierarchicalBitSet.ofHeap(Math.max(1, granularity.granules(sizeBytes))));
    }

    public Granularity granularity() {
        return granularity;
    }

    public long sizeBytes() {
        return sizeBytes;
    }

    public HierarchicalBitSet bits() {
        return bits;
    }

    /** Marks every granule that the range touches; the range may reach past the drive's end. */
    public void mark(long offsetBytes, long lengthBytes) {
        long endBytes = Math.min(sizeBytes, offsetBytes + lengthBytes);
        if (offsetBytes >= endBytes) {
            return;
        }
        int shift = granularity.shift();
        bits.set(offsetBytes >>> shift, ((endBytes - 1) >>> shift) + 1);
    }

    public void mark(Extent extent) {
        mark(extent.offsetBytes(), extent.lengthBytes());
    }

    /**
     * Adds the marks of {@code other}, widened to this granularity and clamped to this size. A granule that the end
     * cuts through keeps its mark, as QEMU's bitmap does when its drive shrinks.
     */
    public void union(Marks other) {
        if (other.granularity.equals(granularity) && other.sizeBytes == sizeBytes) {
            bits.union(other.bits);
            return;
        }
        int shift = granularity.shift();
        long granules = granularity.granules(sizeBytes);
        other.forEachExtent((offsetBytes, lengthBytes) -> {
            long from = offsetBytes >>> shift;
            long to = Math.min(granules, ((offsetBytes + lengthBytes - 1) >>> shift) + 1);
            if (from < to) {
                bits.set(from, to);
            }
        });
    }

    public long dirtyGranules() {
        return bits.cardinality();
    }

    /** Dirty granules times the granularity, in bytes, as QEMU counts: not clipped to the drive's size. */
    public long dirtyBytes() {
        return dirtyGranules() << granularity.shift();
    }

    public boolean isEmpty() {
        return bits.isEmpty();
    }

    public boolean contains(long offsetBytes) {
        return bits.get(offsetBytes >>> granularity.shift());
    }

    /** The first byte at or behind {@code fromBytes} that's in a dirty granule, or -1. */
    public long nextDirty(long fromBytes) {
        int shift = granularity.shift();
        long granule = bits.nextSet(fromBytes >>> shift);
        return granule < 0 ? -1 : Math.max(fromBytes, granule << shift);
    }

    /**
     * The first byte in [fromBytes, endBytes) that's in a clean granule or behind the last one, or else
     * {@code endBytes}; looks no further than that.
     */
    public long nextClean(long fromBytes, long endBytes) {
        int shift = granularity.shift();
        long granule = bits.nextClear(fromBytes >>> shift, ((endBytes - 1) >>> shift) + 1);
        return Math.min(endBytes, Math.max(fromBytes, granule << shift));
    }

    public Digest digest() {
        return Digest.of(bits);
    }

    /** Takes the maximal dirty extents in ascending order, clamped to the drive's size. */
    @FunctionalInterface
    public interface ExtentConsumer {
        void accept(long offsetBytes, long lengthBytes);
    }

    public void forEachExtent(ExtentConsumer consumer) {
        int shift = granularity.shift();
        for (long from = bits.nextSet(0); from >= 0; ) {
            long to = bits.nextClear(from);
            long offsetBytes = from << shift;
            long endBytes = Math.min(sizeBytes, to << shift);
            if (endBytes > offsetBytes) {
                consumer.accept(offsetBytes, endBytes - offsetBytes);
            }
            from = bits.nextSet(to);
        }
    }

    /** The maximal dirty extents in ascending order. */
    public List<Extent> extents() {
        List<Extent> extents = new ArrayList<>();
        forEachExtent((offsetBytes, lengthBytes) -> extents.add(new Extent(offsetBytes, lengthBytes)));
        return extents;
    }

    /** A copy on the heap, widened (or narrowed) to {@code granularity}. */
    public Marks copyAt(Granularity target) {
        Marks copy = none(target, sizeBytes);
        copy.union(this);
        return copy;
    }
}
