package io.varve.core.activity;

import io.varve.core.activity.ActivityTable.Want;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * Writes, and the one who writes records and retires regions, step by step in an order of chance. After each step the
 * power could be cut: whatever a write did to the image by then has a durable mark, or its region is in the durable
 * record.
 */
final class ActivityModel {
    private static final int STEPS = 200;
    private static final int REGIONS = 80;

    private final SplittableRandom random;
    private final Order order;
    private final HotRegions hot = new HotRegions();
    private final ActivityTable table;
    private final List<Write> writes = new ArrayList<>();
    /** Of writes, by their slots: each marks a granule of its own. */
    private final BitSet marks = new BitSet();

    private final BitSet durableMarks = new BitSet();
    private final List<Write> changed = new ArrayList<>();
    private final BitSet durableRecord = new BitSet();
    private List<RegionSpan> proposed = List.of();
    private int nextSlot;

    /** The order of what belongs together; a broken one is to be found. */
    static class Order {
        void record(ActivityModel model) {
            model.makeRecordDurable();
            model.pause();
            model.goOn();
        }

        void retire(ActivityModel model) {
            model.choose();
            model.pause();
            model.settle();
            model.pause();
            model.makeMarksDurable();
            model.pause();
            model.retired();
        }
    }

    private enum Stage {
        ADMITTED,
        WAITING,
        GOES_ON
    }

    private static final class Write {
        private final int slot;
        private final RegionSpan span;
        private Stage stage = Stage.ADMITTED;

        Write(int slot, RegionSpan span) {
            this.slot = slot;
            this.span = span;
        }
    }

    ActivityModel(SplittableRandom random, Order order) {
        this.random = random;
        this.order = order;
        this.table = new ActivityTable(hot, 1 + random.nextInt(8));
    }

    void run() {
        for (int step = 0; step < STEPS; step++) {
            if (random.nextInt(6) == 0) {
                work();
            } else {
                writeOn();
            }
            check();
        }
    }

    /** All that waits comes to its end. */
    void settleDown() {
        for (int round = 0; round < 50 * REGIONS && !writes.isEmpty(); round++) {
            work();
            for (Write write : List.copyOf(writes)) {
                goOn(write);
            }
        }
        if (!writes.isEmpty()) {
            throw new AssertionError(writes.size() + " writes wait for ever");
        }
    }

    private void work() {
        Optional<List<RegionSpan>> next = table.propose();
        if (next.isPresent()) {
            proposed = next.get();
            order.record(this);
        }
        if (table.isCrowded()) {
            order.retire(this);
        }
    }

    void makeRecordDurable() {
        durableRecord.clear();
        proposed.forEach(span -> durableRecord.set(span.first(), span.end()));
    }

    void goOn() {
        for (Want want : table.recorded()) {
            writes.stream().filter(write -> write.slot == want.slot()).forEach(write -> write.stage = Stage.GOES_ON);
        }
    }

    void choose() {
        table.choose();
    }

    void settle() {
        BitSet waiting = table.waitingSlots();
        BitSet inFlight = new BitSet();
        writes.stream()
                .filter(write -> !waiting.get(write.slot))
                .forEach(write -> inFlight.set(write.span.first(), write.span.end()));
        table.settle(inFlight);
    }

    void makeMarksDurable() {
        durableMarks.or(marks);
    }

    void retired() {
        table.retired();
    }

    /** Writes go on meanwhile. */
    void pause() {
        check();
        for (int step = random.nextInt(6); step > 0; step--) {
            writeOn();
            check();
        }
    }

    /** A generation is durably sealed; what is in flight is marked in the next one, too. */
    private void cut() {
        changed.clear();
        durableMarks.clear();
        marks.clear();
        writes.forEach(write -> marks.set(write.slot));
    }

    private void writeOn() {
        if (random.nextInt(30) == 0) {
            cut();
        }
        if (writes.isEmpty() || random.nextInt(3) == 0) {
            int count = random.nextInt(10) == 0 ? 1 + random.nextInt(40) : 1 + random.nextInt(2);
            Write write = new Write(nextSlot++, new RegionSpan(random.nextInt(REGIONS), count));
            writes.add(write);
            // In flight and marked, at once here: a look at the hot regions comes behind both.
            marks.set(write.slot);
            return;
        }
        goOn(writes.get(random.nextInt(writes.size())));
    }

    private void goOn(Write write) {
        switch (write.stage) {
            case ADMITTED -> write.stage = admits(write) ? Stage.GOES_ON : Stage.WAITING;
            case WAITING -> {}
            case GOES_ON -> {
                changed.add(write);
                check();
                writes.remove(write);
            }
        }
    }

    private boolean admits(Write write) {
        boolean isHot = write.span.count() <= ActivityTable.NARROW_REGIONS_MAX
                && hot.use(write.span.first(), write.span.end() - 1);
        return isHot || table.want(new Want(write.slot, write.span, write.slot));
    }

    private void check() {
        changed.removeIf(write -> durableMarks.get(write.slot));
        for (Write write : changed) {
            if (durableRecord.nextClearBit(write.span.first()) < write.span.end()) {
                throw new AssertionError("a power cut now would lose the mark of a write to " + write.span);
            }
        }
    }
}
