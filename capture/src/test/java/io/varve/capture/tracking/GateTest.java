package io.varve.capture.tracking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class GateTest {
    private static final int SLOTS = 64;
    private static final int HOLDS = 2_000;

    private final Gate gate = new Gate(SLOTS, System::nanoTime);

    @Test
    void shouldLetNobodyPassWhileItIsHeld() throws InterruptedException { // I5
        AtomicInteger passing = new AtomicInteger();
        AtomicBoolean stopped = new AtomicBoolean();
        List<Thread> guests = new ArrayList<>();
        for (int guest = 0; guest < 4; guest++) {
            guests.add(Thread.ofPlatform().start(() -> {
                while (!stopped.get()) {
                    writeOnce(passing);
                }
            }));
        }
        guests.add(Thread.ofPlatform().start(() -> {
            while (!stopped.get()) {
                long stamp = gate.pass();
                passing.incrementAndGet();
                passing.decrementAndGet();
                gate.passed(stamp);
            }
        }));

        int seen = 0;
        for (int hold = 0; hold < HOLDS; hold++) {
            gate.hold();
            seen = Math.max(seen, passing.get());
            Thread.onSpinWait();
            seen = Math.max(seen, passing.get());
            gate.letGo();
        }
        stopped.set(true);
        for (Thread guest : guests) {
            guest.join();
        }

        assertEquals(0, seen, "passages while the gate was held");
    }

    /** A write that enters, and leaves. */
    private void writeOnce(AtomicInteger passing) {
        int slot = gate.enter();
        passing.incrementAndGet();
        passing.decrementAndGet();
        gate.entered(slot);
        gate.leave(slot);
        passing.incrementAndGet();
        passing.decrementAndGet();
        gate.left(slot);
    }

    /** Writes that say that they pass, see the hold, and take it back, are counted all the same. */
    @Test
    void shouldCountEveryWriteThatHasEnteredAndNotLeft() throws InterruptedException { // I1
        for (int round = 0; round < 200; round++) {
            List<Integer> slots = new ArrayList<>();
            for (int write = 0; write < 8; write++) {
                int slot = gate.enter();
                gate.entered(slot);
                slots.add(slot);
            }
            gate.hold();
            List<Thread> leaving = slots.stream()
                    .map(slot -> Thread.ofPlatform().start(() -> {
                        gate.leave(slot);
                        gate.left(slot);
                    }))
                    .toList();
            int inside = gate.countInside(slots::contains);
            gate.letGo();
            for (Thread thread : leaving) {
                thread.join();
            }
            assertEquals(8, inside, "in round " + round);
        }
    }

    @Test
    void shouldGiveUpAHoldThatAPassageKeepsOff() throws InterruptedException { // I9
        int slot = gate.enter();

        assertFalse(gate.tryHold(TimeUnit.MILLISECONDS.toNanos(1)));
        gate.left(slot);

        assertTrue(gate.tryHold(TimeUnit.SECONDS.toNanos(10)));
        gate.letGo();
    }

    @Test
    void shouldMakeAWriteWaitForASlotWhenAllAreTaken() throws InterruptedException {
        List<Integer> slots = new ArrayList<>();
        for (int write = 0; write < SLOTS; write++) {
            int slot = gate.enter();
            gate.entered(slot);
            slots.add(slot);
        }
        AtomicInteger taken = new AtomicInteger(-1);
        Thread late = Thread.ofPlatform().start(() -> taken.set(gate.enter()));
        while (late.getState() != Thread.State.TIMED_WAITING) {
            Thread.onSpinWait();
        }

        gate.leave(slots.get(5));
        gate.left(slots.get(5));
        late.join();

        assertEquals(slots.get(5), taken.get());
    }
}
