package io.varve.core.drive;

import io.varve.core.bits.Granularity;
import io.varve.core.id.BitmapName;
import java.util.Collections;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * A dirty bitmap: a named set of generations; it holds no bits of its own. Its content is the union of its generations'
 * marks, widened to its granularity.
 *
 * @param persistent kept over a clean detach (a crash loses neither kind)
 * @param generations while it's busy, the cut; these are what QEMU counts
 * @param sequence the number of the control event that made it, or its successor that took its place: QEMU lists the
 *     greatest first. Not positive for one that was there at an earlier detach, or before there were sequences
 */
public record Bitmap(
        BitmapName name,
        Granularity granularity,
        boolean persistent,
        BitmapStatus status,
        Optional<Anchor> anchor,
        SortedSet<Long> generations,
        long sequence) {

    public Bitmap {
        generations = Collections.unmodifiableSortedSet(new TreeSet<>(generations));
    }

    public Bitmap withStatus(BitmapStatus status) {
        return new Bitmap(name, granularity, persistent, status, anchor, generations, sequence);
    }

    public Bitmap withAnchor(Optional<Anchor> anchor) {
        return new Bitmap(name, granularity, persistent, status, anchor, generations, sequence);
    }

    public Bitmap withGenerations(SortedSet<Long> generations) {
        return new Bitmap(name, granularity, persistent, status, anchor, generations, sequence);
    }

    public Bitmap withSequence(long sequence) {
        return new Bitmap(name, granularity, persistent, status, anchor, generations, sequence);
    }

    /** Whether the generation that opens next joins this bitmap. */
    public boolean isRecording() {
        return switch (status) {
            case BitmapStatus.Idle(Recording recording) -> recording == Recording.ENABLED;
            case BitmapStatus.Busy busy -> busy.recording() == Recording.ENABLED;
            case BitmapStatus.Incoming(Recording recording) -> recording == Recording.ENABLED;
            case BitmapStatus.Inconsistent inconsistent -> false;
        };
    }

    /** Every generation that the bitmap needs: its own and its successor's. */
    public SortedSet<Long> allGenerations() {
        if (status instanceof BitmapStatus.Busy busy) {
            return union(generations, busy.successor());
        }
        return generations;
    }

    /** The bitmap after {@code opened} has opened: it joins where new writes are collected. */
    public Bitmap opening(long opened) {
        if (!isRecording()) {
            return this;
        }
        if (status instanceof BitmapStatus.Busy busy) {
            return withStatus(busy.withSuccessor(plus(busy.successor(), opened)));
        }
        return withGenerations(plus(generations, opened));
    }

    /** The bitmap without {@code generation}, which turned out to hold marks of another. */
    public Bitmap leaving(long generation) {
        Bitmap left = withGenerations(minus(generations, generation));
        return status instanceof BitmapStatus.Busy busy
                ? left.withStatus(busy.withSuccessor(minus(busy.successor(), generation)))
                : left;
    }

    /** The bitmap with {@code generation} among its own. */
    public Bitmap taking(long generation) {
        return withGenerations(plus(generations, generation));
    }

    /** The bitmap after {@code merged} have become one generation, {@code into}. */
    public Bitmap coalescing(SortedSet<Long> merged, long into) {
        Bitmap coalesced = withGenerations(renamed(generations, merged, into));
        return status instanceof BitmapStatus.Busy busy
                ? coalesced.withStatus(busy.withSuccessor(renamed(busy.successor(), merged, into)))
                : coalesced;
    }

    private static SortedSet<Long> renamed(SortedSet<Long> generations, SortedSet<Long> merged, long into) {
        TreeSet<Long> renamed = new TreeSet<>(generations);
        if (renamed.removeAll(merged)) {
            renamed.add(into);
        }
        return Collections.unmodifiableSortedSet(renamed);
    }

    static SortedSet<Long> union(SortedSet<Long> left, SortedSet<Long> right) {
        TreeSet<Long> union = new TreeSet<>(left);
        union.addAll(right);
        return Collections.unmodifiableSortedSet(union);
    }

    private static SortedSet<Long> minus(SortedSet<Long> generations, long generation) {
        TreeSet<Long> minus = new TreeSet<>(generations);
        minus.remove(generation);
        return Collections.unmodifiableSortedSet(minus);
    }

    private static SortedSet<Long> plus(SortedSet<Long> generations, long generation) {
        TreeSet<Long> plus = new TreeSet<>(generations);
        plus.add(generation);
        return Collections.unmodifiableSortedSet(plus);
    }
}
