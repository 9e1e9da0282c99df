package io.varve.core.transaction;

import io.varve.core.drive.BitmapMode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** The bitmaps of one node as QEMU keeps them: each a set of granules of its own, with a successor while it's busy. */
final class QemuBitmaps {
    private final Map<String, Kept> bitmaps = new TreeMap<>();
    private long sizeBytes;
    private int sequence;

    static final class Kept {
        final long granularityBytes;
        boolean recording;
        Set<Long> bits = new TreeSet<>();
        Set<Long> successor = new TreeSet<>();
        boolean busy;
        BitmapMode mode = BitmapMode.ON_SUCCESS;
        int sequence;
        int successorSequence;

        Kept(long granularityBytes, boolean recording) {
            this.granularityBytes = granularityBytes;
            this.recording = recording;
        }

        Set<Long> collecting() {
            return busy ? successor : bits;
        }
    }

    QemuBitmaps(long sizeBytes) {
        this.sizeBytes = sizeBytes;
    }

    long sizeBytes() {
        return sizeBytes;
    }

    Set<String> names() {
        return bitmaps.keySet();
    }

    Kept kept(String name) {
        return Objects.requireNonNull(bitmaps.get(name));
    }

    List<String> newestFirst() {
        List<String> names = new ArrayList<>(bitmaps.keySet());
        names.sort(Comparator.comparingInt((String name) -> kept(name).sequence).reversed());
        return names;
    }

    void write(long offsetBytes, long lengthBytes) {
        bitmaps.values().stream()
                .filter(b -> b.recording)
                .forEach(b -> set(b.collecting(), b.granularityBytes, offsetBytes, lengthBytes));
    }

    void add(String name, long granularityBytes, boolean recording) {
        Kept kept = new Kept(granularityBytes, recording);
        kept.sequence = ++sequence;
        bitmaps.put(name, kept);
    }

    void remove(String name) {
        bitmaps.remove(name);
    }

    /** Sources first go into a copy, so a target that is a source, too, changes nothing. */
    void merge(String target, List<Kept> sources) {
        Kept into = kept(target);
        for (Kept from : sources) {
            for (long granule : new TreeSet<>(from.bits)) {
                long offsetBytes = granule * from.granularityBytes;
                set(
                        into.bits,
                        into.granularityBytes,
                        offsetBytes,
                        Math.min(from.granularityBytes, sizeBytes - offsetBytes));
            }
        }
    }

    void freeze(String name, BitmapMode mode) {
        Kept kept = kept(name);
        kept.busy = true;
        kept.mode = mode;
        kept.successor = new TreeSet<>();
        kept.successorSequence = ++sequence;
    }

    void succeed(String name) {
        Kept kept = kept(name);
        kept.busy = false;
        if (kept.mode == BitmapMode.NEVER) {
            kept.bits.addAll(kept.successor);
        } else {
            abdicate(kept);
        }
    }

    /** @param rest extents, as offset and length, that weren't copied */
    void fail(String name, List<long[]> rest) {
        Kept kept = kept(name);
        kept.busy = false;
        if (kept.mode == BitmapMode.ALWAYS) {
            abdicate(kept);
            rest.forEach(extent -> set(kept.bits, kept.granularityBytes, extent[0], extent[1]));
        } else {
            kept.bits.addAll(kept.successor);
        }
    }

    void resize(long bytes) {
        sizeBytes = bytes;
        bitmaps.values().forEach(b -> b.bits.removeIf(granule -> granule * b.granularityBytes >= sizeBytes));
    }

    private static void abdicate(Kept kept) {
        kept.bits = kept.successor;
        kept.successor = new TreeSet<>();
        kept.sequence = kept.successorSequence;
    }

    private static void set(Set<Long> bits, long granularityBytes, long offsetBytes, long lengthBytes) {
        for (long g = offsetBytes / granularityBytes; g <= (offsetBytes + lengthBytes - 1) / granularityBytes; g++) {
            bits.add(g);
        }
    }
}
