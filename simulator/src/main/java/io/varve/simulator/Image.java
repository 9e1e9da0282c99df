package io.varve.simulator;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A drive's image behind a volatile cache: what each block holds, as the version of the write that was last there. */
final class Image {
    private final long[] current;
    private long[] durable;
    private final List<GuestWrite> unflushed = new ArrayList<>();
    /** Counts what a stranger to its agent wrote. */
    private int foreignWrites;

    Image(int blocks) {
        this.current = new long[blocks];
        this.durable = new long[blocks];
    }

    int blocks() {
        return current.length;
    }

    long sizeBytes() {
        return (long) current.length * GuestWrite.BLOCK_BYTES;
    }

    long get(int block) {
        return current[block];
    }

    Blocks copy() {
        return new Blocks(current.clone());
    }

    /** Writes the first {@code blocks} blocks of a write; fewer than all when it fails within. */
    void apply(GuestWrite write, int blocks) {
        Arrays.fill(current, write.firstBlock(), write.firstBlock() + blocks, write.version());
        unflushed.add(write);
    }

    void applyForeign(GuestWrite write) {
        foreignWrites++;
        apply(write, write.blocks());
    }

    int foreignWrites() {
        return foreignWrites;
    }

    void flush() {
        durable = current.clone();
        unflushed.clear();
    }

    /** The host lost its power: what wasn't flushed is kept, lost, or torn block by block. */
    void loseCache(Schedule schedule) {
        int fate = schedule.pick(3);
        for (int block = 0; fate > 0 && block < current.length; block++) {
            current[block] = fate == 1 ? durable[block] : torn(block, schedule);
        }
        flush();
    }

    private long torn(int block, Schedule schedule) {
        List<Long> candidates = new ArrayList<>(List.of(durable[block], current[block]));
        for (GuestWrite write : unflushed) {
            if (write.covers(block)) {
                candidates.add(write.version());
            }
        }
        return schedule.any(candidates);
    }
}
