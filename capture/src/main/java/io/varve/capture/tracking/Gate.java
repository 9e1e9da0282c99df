package io.varve.capture.tracking;

import io.varve.core.Invariant;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.StampedLock;
import java.util.function.IntPredicate;
import java.util.function.LongSupplier;

/**
 * The gate of one drive's writes: a write passes it twice, briefly, when it's admitted and before it's acknowledged; a
 * cut holds it, so that neither happens meanwhile (I5).
 *
 * <pre>
 *           enter              entered              leave             left
 *   FREE  --------> PASSING  ---------->  INSIDE  -------->  PASSING  -----> FREE
 * </pre>
 *
 * <p>Each write has a slot, whose state only it changes. Who passes says so first and looks for a hold then; who holds
 * says so first and waits then for those who pass: so one of the two always sees the other, and a passage costs a
 * single fence, with nothing that two writes share.
 *
 * <p>Thread: safe for any thread. Passing waits only while a cut holds the gate, or for a slot when all are taken.
 */
public final class Gate {
    private static final VarHandle STATES = MethodHandles.arrayElementVarHandle(int[].class);
    private static final int FREE = 0;
    private static final int PASSING = 1;
    private static final int INSIDE = 2;

    /** Threads begin their search for a slot this far apart, so that they share no cache line. */
    private static final int APART = 64;

    private static final int SPINS = 100;
    private static final long PAUSE_NANOS = 20_000;

    private final LongSupplier nanos;
    private final int[] states;

    // Held for writing by whoever holds the gate: the waiting room of those who want to pass, and the way of passages
    // without a slot.
    private final StampedLock lock = new StampedLock();
    private volatile boolean held;

    /** @param nanos a clock that only goes forward, for waits */
    public Gate(int slots, LongSupplier nanos) {
        this.states = new int[slots];
        this.nanos = nanos;
    }

    /** Begins the first passage of a write, which {@link #entered} or {@link #left} ends; returns its slot. */
    public int enter() {
        while (true) {
            int slot = take();
            if (!held) {
                return slot;
            }
            STATES.setRelease(states, slot, FREE);
            awaitLetGo();
        }
    }

    /** The passage has ended; the write is inside. */
    public void entered(int slot) {
        STATES.setRelease(states, slot, INSIDE);
    }

    /** Begins the last passage of a write, which {@link #left} ends. */
    void leave(int slot) {
        while (true) {
            STATES.setVolatile(states, slot, PASSING);
            if (!held) {
                return;
            }
            STATES.setRelease(states, slot, INSIDE);
            awaitLetGo();
        }
    }

    /** The slot is free. */
    public void left(int slot) {
        STATES.setRelease(states, slot, FREE);
    }

    /** Begins a passage that has nothing to do with a write; the stamp ends it. */
    long pass() {
        return lock.readLock();
    }

    void passed(long stamp) {
        lock.unlockRead(stamp);
    }

    /** Whether the gate is held now; then {@link #letGo} must follow. Another thread may call that. */
    boolean tryHold(long waitNanosMax) throws InterruptedException {
        long deadlineNanos = nanos.getAsLong() + waitNanosMax;
        if (lock.tryWriteLock(waitNanosMax, TimeUnit.NANOSECONDS) == 0) {
            return false;
        }
        held = true;
        if (awaitPassages(deadlineNanos)) {
            return true;
        }
        letGo();
        return false;
    }

    /** Holds the gate, as soon as those who are passing it have passed. */
    public void hold() {
        boolean _ = lock.writeLock() != 0;
        held = true;
        while (!awaitPassages(nanos.getAsLong() + TimeUnit.SECONDS.toNanos(1))) {
            Thread.onSpinWait();
        }
    }

    /** Returns once all that are passing now have passed; holds nobody up. */
    void awaitPassing() {
        while (!awaitPassages(nanos.getAsLong() + TimeUnit.SECONDS.toNanos(1))) {
            Thread.onSpinWait();
        }
    }

    /** Ends a hold. */
    public void letGo() {
        held = false;
        lock.tryUnlockWrite();
    }

    /** How many of the writes that have entered, and haven't left, {@code which} accepts; with the gate held. */
    public int countInside(IntPredicate which) {
        Invariant.check(held, "the gate to be held");
        int count = 0;
        for (int slot = 0; slot < states.length; slot++) {
            if (settled(slot) == INSIDE && which.test(slot)) {
                count++;
            }
        }
        return count;
    }

    /** Some still say that they pass, before they see the hold and take that back. */
    private int settled(int slot) {
        int state = (int) STATES.getVolatile(states, slot);
        for (int round = 0; state == PASSING; round++) {
            pause(round);
            state = (int) STATES.getVolatile(states, slot);
        }
        return state;
    }

    private int take() {
        int first = (int) (Thread.currentThread().threadId() * APART % states.length);
        while (true) {
            int slot = first;
            do {
                if ((int) STATES.getOpaque(states, slot) == FREE && STATES.compareAndSet(states, slot, FREE, PASSING)) {
                    return slot;
                }
                slot = slot + 1 == states.length ? 0 : slot + 1;
            } while (slot != first);
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    private void awaitLetGo() {
        lock.unlockRead(lock.readLock());
    }

    /** Whether nobody passes any more. A passage is short, but the thread within may have lost its processor. */
    private boolean awaitPassages(long deadlineNanos) {
        for (int slot = 0; slot < states.length; slot++) {
            for (int round = 0; (int) STATES.getVolatile(states, slot) == PASSING; round++) {
                if (round >= SPINS && nanos.getAsLong() - deadlineNanos > 0) {
                    return false;
                }
                pause(round);
            }
        }
        return true;
    }

    private static void pause(int round) {
        if (round < SPINS) {
            Thread.onSpinWait();
        } else {
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }
}
