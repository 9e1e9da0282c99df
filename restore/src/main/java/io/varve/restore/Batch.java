package io.varve.restore;

import io.varve.restore.merge.Segment;
import java.util.ArrayList;
import java.util.List;

/**
 * Clusters of one backup whose stored bytes are neighbours, so that one ranged read gets them. Thread: its owner's
 * only.
 */
final class Batch {
    /** Two reads cost more than reading over a gap of this length. */
    private static final long GAP_MAX_BYTES = 128 * 1024;

    /** Bounds a batch of tiny clusters. */
    private static final int SEGMENTS_MAX = 1024;

    private final int layer;
    private final int limitBytes;
    private final List<Segment> segments = new ArrayList<>();
    private long startBytes;
    private long endBytes;

    /** A batch of at most {@code limitBytes}, which holds a first segment whatever its length. */
    Batch(int layer, int limitBytes) {
        this.layer = layer;
        this.limitBytes = limitBytes;
    }

    /** False when the segment isn't a neighbour, or the batch is full: begin another. */
    boolean add(Segment segment) {
        long from = segment.sum().dataOffsetBytes();
        long to = from + segment.sum().storedBytes();
        if (segments.isEmpty()) {
            startBytes = from;
            endBytes = to;
        } else if (!isNeighbour(from, to) || segments.size() == SEGMENTS_MAX) {
            return false;
        }
        endBytes = Math.max(endBytes, to);
        segments.add(segment);
        return true;
    }

    private boolean isNeighbour(long from, long to) {
        return from >= startBytes && from <= endBytes + GAP_MAX_BYTES && to - startBytes <= limitBytes;
    }

    int layer() {
        return layer;
    }

    List<Segment> segments() {
        return segments;
    }

    long startBytes() {
        return startBytes;
    }

    int lengthBytes() {
        return Math.toIntExact(endBytes - startBytes);
    }
}
