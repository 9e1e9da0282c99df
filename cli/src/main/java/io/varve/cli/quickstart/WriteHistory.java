package io.varve.cli.quickstart;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * What one writer did to its blocks, which nobody else writes, from a moment on. It has one write in flight at a time,
 * so a drive's state shows some first writes of it whole, and none of the others.
 *
 * <p>Thread: the writer's until it is read.
 *
 * @param base the drive when the history begins
 * @param firstBlock of the writer's blocks
 * @param endBlock behind them
 */
record WriteHistory(String drive, DriveModel base, int firstBlock, int endBlock, List<Write> writes) {
    /**
     * An acknowledged write; times are of one clock that only goes forward.
     *
     * @param begunNanos before it was sent
     * @param ackedNanos after its reply was read
     */
    record Write(long offsetBytes, ByteBuffer data, long begunNanos, long ackedNanos) {
        int firstBlock() {
            return (int) (offsetBytes / DriveModel.BLOCK_BYTES);
        }

        int endBlock() {
            return (int) ((offsetBytes + data.remaining() - 1) / DriveModel.BLOCK_BYTES) + 1;
        }
    }

    static WriteHistory begin(String drive, DriveModel base, int firstBlock, int endBlock) {
        return new WriteHistory(drive, base, firstBlock, endBlock, new ArrayList<>());
    }

    void add(Write write) {
        writes.add(write);
    }

    /** How many writes were acknowledged before {@code nanos}. */
    int ackedBefore(long nanos) {
        return (int) writes.stream().filter(w -> w.ackedNanos() - nanos < 0).count();
    }

    /** How many writes were begun before {@code nanos}. */
    int begunBefore(long nanos) {
        return (int) writes.stream().filter(w -> w.begunNanos() - nanos < 0).count();
    }
}
