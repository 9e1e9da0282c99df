package io.varve.capture.backend.qcow2;

import io.varve.formats.nbd.StatusExtent;
import java.util.ArrayList;
import java.util.List;

/** Extents of {@code base:allocation} as they're found; neighbours of one kind become one. Thread: one. */
final class AllocationExtents {
    private static final long EXTENT_BYTES_MAX = 1L << 31;

    private final int max;
    private final List<StatusExtent> told = new ArrayList<>();

    AllocationExtents(int max) {
        this.max = max;
    }

    /** Whether one more was found than may be told; the last that may is as long as it gets then. */
    boolean isFull() {
        return told.size() > max;
    }

    /** How many to ask others for. */
    int roomMax() {
        return Math.min(max - told.size(), Integer.MAX_VALUE - 1) + 1;
    }

    void add(long lengthBytes, int flags) {
        long left = lengthBytes;
        if (!told.isEmpty() && told.getLast().flags() == flags) {
            long pieceBytes = Math.min(left, EXTENT_BYTES_MAX - told.getLast().lengthBytes());
            told.set(told.size() - 1, new StatusExtent(told.getLast().lengthBytes() + pieceBytes, flags));
            left -= pieceBytes;
        }
        while (left > 0) {
            long pieceBytes = Math.min(left, EXTENT_BYTES_MAX);
            told.add(new StatusExtent(pieceBytes, flags));
            left -= pieceBytes;
        }
    }

    List<StatusExtent> told() {
        return List.copyOf(told.subList(0, Math.min(max, told.size())));
    }
}
