package io.varve.simulator;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A drive's image behind a volatile cache: what each block holds, as the version of the write that was last there. */
final class Image {
    private final long[] current;
    private long[] durable;
    private final List<GuestWrite> unflushed = new ArrayList<>();
    private final List<Late> late = new ArrayList<>();
    private final boolean isElsewhere;
    /** Counts what a stranger to its agent wrote. */
    private int foreignWrites;

    /** @param isElsewhere whether another server has it, which may make a write after the agent that sent it died */
    Image(int blocks, boolean isElsewhere) {
        this.isElsewhere = isElsewhere;
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

    boolean isElsewhere() {
        return isElsewhere;
    }

    /** A write whose outcome nobody knows: {@code land} makes it, or not. */
    record Late(GuestWrite write, Runnable land) {}

    /** Writes that may be made yet. */
    List<Late> late() {
        return late;
    }

    /** Whatever may come comes now, or never. */
    void settle() {
        List.copyOf(late).forEach(each -> each.land().run());
        late.clear();
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
