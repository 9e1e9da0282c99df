package io.varve.simulator;

import java.util.List;

/**
 * One request of a guest that changes its drive.
 *
 * @param version what its blocks hold afterwards: every write has another, zeros have 0
 */
record GuestWrite(long version, WriteKind kind, int firstBlock, int blocks) {
    /** The unit in which guests write: a quarter of a granule, so that ends fall within granules. */
    static final int BLOCK_BYTES = 512 * 1024;

    int endBlock() {
        return firstBlock + blocks;
    }

    long offsetBytes() {
        return (long) firstBlock * BLOCK_BYTES;
    }

    long lengthBytes() {
        return (long) blocks * BLOCK_BYTES;
    }

    boolean covers(int block) {
        return block >= firstBlock && block < endBlock();
    }

    /** Whether any of {@code writes} could have left {@code value} in {@code block}. */
    static boolean mayLeave(List<GuestWrite> writes, int block, long value) {
        return writes.stream().anyMatch(write -> write.version() == value && write.covers(block));
    }

    @Override
    public String toString() {
        return kind + " " + version + " of [" + firstBlock + ", " + endBlock() + ")";
    }
}
