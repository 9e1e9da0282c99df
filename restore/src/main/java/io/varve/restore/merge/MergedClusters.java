package io.varve.restore.merge;

import io.varve.archive.sums.ClusterSum;
import java.io.IOException;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.PriorityQueue;

/*
 * A sweep over the drive from its beginning to its end. Each layer has a cursor on one of its clusters. A cursor waits
 * in `pending` until the sweep reaches its cluster's beginning, then it's in `active`, whose head is the newest layer
 * there. The head's content is the drive's, until its cluster ends or a newer layer's cluster begins:
 *
 *     layer 0   [    ]         [    ]              newest
 *     layer 1   [ ][ ][ ][ ]
 *     layer 2   [         ][         ]             oldest, larger clusters
 *     result    0    1  2   0    2
 *
 * Memory is one cluster a layer, time is the logarithm of the layers for each cluster of any of them. A cursor that
 * lies below the head may have been passed by the sweep; it moves on when it gets to the head.
 */

/** Merges a chain into the drive's content: disjoint ranges, ascending; what no layer has is zero. Thread: one. */
public final class MergedClusters {
    private final PriorityQueue<Cursor> pending =
            new PriorityQueue<>(Comparator.comparingLong(Cursor::startBytes).thenComparingInt(Cursor::layer));
    private final PriorityQueue<Cursor> active = new PriorityQueue<>(Comparator.comparingInt(Cursor::layer));
    private long positionBytes;

    /**
     * Begins a merge.
     *
     * @param newestFirst the chain, the full backup last
     */
    public MergedClusters(List<Layer> newestFirst) throws IOException {
        for (int i = 0; i < newestFirst.size(); i++) {
            advance(new Cursor(i, newestFirst.get(i)));
        }
    }

    /** The next range, or empty at the end. */
    public Optional<Segment> next() throws IOException {
        while (true) {
            reach();
            if (!active.isEmpty()) {
                return Optional.of(take(active.element()));
            }
            if (pending.isEmpty()) {
                return Optional.empty();
            }
            positionBytes = pending.element().startBytes();
        }
    }

    /** Makes the head of {@code active} the newest cluster that covers the position, if any does. */
    private void reach() throws IOException {
        boolean settled = false;
        while (!settled) {
            settled = true;
            while (!pending.isEmpty() && pending.element().startBytes() <= positionBytes) {
                active.add(pending.remove());
            }
            if (!active.isEmpty() && active.element().endBytes() <= positionBytes) {
                advance(active.remove());
                settled = false;
            }
        }
    }

    private Segment take(Cursor head) {
        long endBytes = head.endBytes();
        while (!pending.isEmpty() && pending.element().startBytes() < endBytes) {
            if (pending.element().layer() < head.layer()) {
                endBytes = pending.element().startBytes();
            } else {
                active.add(pending.remove());
            }
        }
        Segment segment =
                new Segment(head.layer(), head.sum(), head.startBytes(), positionBytes, endBytes - positionBytes);
        positionBytes = endBytes;
        return segment;
    }

    private void advance(Cursor cursor) throws IOException {
        if (cursor.moveOn()) {
            pending.add(cursor);
        }
    }

    /** One layer's place. */
    private static final class Cursor {
        private final int layer;
        private final Layer content;
        private Optional<ClusterSum> sum = Optional.empty();

        Cursor(int layer, Layer content) {
            this.layer = layer;
            this.content = content;
        }

        /** False when nothing visible is left. */
        boolean moveOn() throws IOException {
            sum = content.source().next();
            return sum.isPresent() && startBytes() < content.visibleBytes();
        }

        int layer() {
            return layer;
        }

        ClusterSum sum() {
            return sum.orElseThrow();
        }

        long startBytes() {
            return sum().clusterIndex() * content.clusterSizeBytes();
        }

        long endBytes() {
            return Math.min(startBytes() + content.clusterSizeBytes(), content.visibleBytes());
        }
    }
}
