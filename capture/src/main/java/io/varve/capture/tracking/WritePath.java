package io.varve.capture.tracking;

import io.varve.capture.activity.Activity;
import io.varve.capture.snapshot.Snapshot;
import io.varve.core.Invariant;
import io.varve.core.cut.InFlightTable;
import io.varve.core.cut.LostWrites;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What every write of a drive passes: the overlap rule, a write marks every generation that it overlaps (I1).
 *
 * <pre>
 *   begin:  within the gate  register in flight, mark the open generation, take the list of live snapshots
 *           (the caller keeps old content for these, then writes the image)
 *   end:    within the gate  deregister          (the caller acknowledges)
 *   cut:    with the gate held  swap in the next live set, mark in it all that is in flight, install snapshots
 * </pre>
 *
 * <p>A mark is made before the write reaches the image and is never taken back (I2, I3). Beginning and ending a write
 * allocates nothing, waits for nothing but a cut or a full in-flight table, and costs the same for any number of
 * bitmaps.
 *
 * <p>Thread: writes from any thread; {@link #cut} and {@link #restore} by the one who holds the gate.
 */
final class WritePath {
    static final int REFUSED = -1;
    static final int BEYOND_END = -2;
    private static final int LOST_EXTENTS_MAX = 4096;
    private static final Logger LOG = LoggerFactory.getLogger(WritePath.class);
    private static final Snapshot[] NONE = {};
    private static final VarHandle COUNTER = MethodHandles.arrayElementVarHandle(long[].class);

    private final Gate gate;
    private final InstantSource clock;
    private final InFlightTable inFlight;
    private final Epoch[] epochs;
    private final Snapshot[][] protectedBy;
    // What ended in each slot: its write has the slot for itself, so counting is no atomic operation.
    private final long[] writesBySlot;
    private final long[] bytesBySlot;
    private final LostWrites lost = new LostWrites(LOST_EXTENTS_MAX);
    private volatile LiveSet open;
    private volatile Epoch epoch = Epoch.first();
    private volatile Snapshot[] snapshots = NONE;
    private volatile long sizeBytes;
    private volatile boolean closed;
    // Set before a write comes.
    private Activity activity = Activity.NONE;
    private Consumer<LiveSet> opened = set -> {};
    private LostWritesKeeper keeper = LostWritesKeeper.NONE;

    /** @param nanos for waits of a bounded time */
    WritePath(InstantSource clock, LongSupplier nanos, InFlightTable inFlight, LiveSet open) {
        this.gate = new Gate(inFlight.capacity(), nanos);
        this.clock = clock;
        this.inFlight = inFlight;
        this.open = open;
        this.sizeBytes = open.header().sizeBytes();
        this.epochs = new Epoch[inFlight.capacity()];
        this.protectedBy = new Snapshot[inFlight.capacity()][];
        this.writesBySlot = new long[inFlight.capacity()];
        this.bytesBySlot = new long[inFlight.capacity()];
        Arrays.fill(epochs, epoch);
        Arrays.fill(protectedBy, NONE);
    }

    /**
     * What changes the image's file but writes asks {@code log} first; {@code opened} hears of each set that a cut
     * opens.
     */
    void logTo(Activity log, Consumer<LiveSet> opened) {
        this.activity = log;
        this.opened = opened;
    }

    /** Begins with what an earlier run lost, which {@code keeper} keeps, as it does what follows. */
    void inherit(LostWritesKeeper keeper) {
        keeper.kept().forEach(lost::add);
        this.keeper = keeper;
    }

    /** Makes durable which writes have an unknown outcome. */
    void keepLost() throws IOException {
        keeper.keep(lost::extents);
    }

    LostWrites lost() {
        return lost;
    }

    /** What {@link io.varve.capture.activity.WritesInFlight} tells. */
    BitSet regionsInFlight(BitSet except) {
        gate.awaitPassing();
        BitSet regions = inFlight.regions(except);
        // What is kept joins the marks after a crash in any case.
        if (!keeper.kept().equals(lost.extents())) {
            regions.or(lost.regions());
        }
        return regions;
    }

    /**
     * Admits a write. The bytes may be written after this.
     *
     * @return its number, for {@link #end}; or {@link #REFUSED} when the drive is being detached, or
     *     {@link #BEYOND_END} when it ends before the write does
     */
    int begin(long offsetBytes, long lengthBytes) {
        int slot = gate.enter();
        int objection = closed ? REFUSED : offsetBytes + lengthBytes > sizeBytes ? BEYOND_END : slot;
        if (objection != slot) {
            gate.left(slot);
            return objection;
        }
        try {
            inFlight.register(slot, offsetBytes, lengthBytes);
            joins(slot);
            LiveSet set = open;
            // I2
            set.marks().mark(offsetBytes, lengthBytes);
            set.wrote(clock.millis());
        } catch (RuntimeException | Error e) {
            inFlight.deregister(slot);
            gate.left(slot);
            throw e;
        }
        gate.entered(slot);
        return slot;
    }

    /** A store of a reference costs more than a look, and most find what they would store. */
    @SuppressWarnings("ReferenceEquality") // lists that are equal are other cuts' all the same
    private void joins(int slot) {
        if (epochs[slot] != epoch) {
            epochs[slot] = epoch;
        }
        if (protectedBy[slot] != snapshots) {
            protectedBy[slot] = snapshots;
        }
    }

    /** The snapshots that were live when the write was admitted; not to be changed. */
    Snapshot[] protectedBy(int slot) {
        return protectedBy[slot];
    }

    /** The write reaches the image only now, since it had to wait. */
    void resumes() {
        long stamp = gate.pass();
        try {
            open.wrote(clock.millis());
        } finally {
            gate.passed(stamp);
        }
    }

    /** A flush begins or ended: it may change an image's file, as it gives back what its format set aside. */
    void flushes() {
        activity.awaitLease();
        long stamp = gate.pass();
        try {
            if (!closed) {
                open.wrote(clock.millis());
            }
        } finally {
            gate.passed(stamp);
        }
    }

    /**
     * The agent itself changes the image's file, of which the last run's evidence must tell; also while it's closed.
     */
    void changesImage() {
        activity.awaitLease();
        open.wrote(clock.millis());
    }

    /** The write ended, well or not; it may be acknowledged after this. */
    void end(int slot, long lengthBytes) {
        gate.leave(slot);
        open.wrote(clock.millis());
        // So that a slot that rests keeps no snapshot that was released.
        if (protectedBy[slot].length > 0) {
            protectedBy[slot] = NONE;
        }
        count(writesBySlot, slot, 1);
        count(bytesBySlot, slot, lengthBytes);
        Epoch began = epochs[slot];
        inFlight.deregister(slot);
        began.exit();
        gate.left(slot);
    }

    /**
     * The write's outcome is unknown, it may be made yet: so it marks every generation from now on, as one in flight
     * does, until the drive is detached (I1). No snapshot waits for it. Returns when that's durable, so that an agent
     * that comes after a kill knows it from the table or from the file.
     */
    void lose(int slot, long lengthBytes) {
        lost.add(inFlight.extent(slot));
        try {
            keepLost();
        } catch (IOException e) {
            LOG.error("a write of unknown outcome isn't kept, and no backup begins until it is: {}", e.toString());
        }
        end(slot, lengthBytes);
    }

    private static void count(long[] counters, int slot, long added) {
        COUNTER.setOpaque(counters, slot, (long) COUNTER.getOpaque(counters, slot) + added);
    }

    private static long sum(long[] counters) {
        long sum = 0;
        for (int slot = 0; slot < counters.length; slot++) {
            sum += (long) COUNTER.getOpaque(counters, slot);
        }
        return sum;
    }

    /** How far writes are admitted: the drive's size, but for while that shrinks. */
    long sizeBytes() {
        return sizeBytes;
    }

    /** Admits writes up to there from now on; those in flight go on. With the gate held when that's less. */
    void admitUpTo(long endBytes) {
        sizeBytes = endBytes;
    }

    Gate gate() {
        return gate;
    }

    LiveSet open() {
        return open;
    }

    List<Snapshot> snapshots() {
        return List.of(snapshots);
    }

    long writes() {
        return sum(writesBySlot);
    }

    long writtenBytes() {
        return sum(bytesBySlot);
    }

    /** What a cut left behind: the set that changes no more, and the writes before the cut. */
    record Cut(LiveSet sealed, Epoch before) {}

    /** Swaps {@code next} in; with the gate held. Writes in flight are in both sets. */
    Cut cut(LiveSet next, Epoch after, List<Snapshot> installed) {
        LiveSet sealed = open;
        Epoch before = epoch;
        inFlight.markInto(next.marks());
        lost.markInto(next.marks());
        next.wrote(sealed.lastWriteMillis());
        opened.accept(next);
        open = next;
        epoch = after;
        endEpoch(before);
        install(installed);
        return new Cut(sealed, before);
    }

    /** An epoch to follow the present one at the next cut. */
    Epoch nextEpoch() {
        return new Epoch(epoch.ended());
    }

    /**
     * Undoes a swap whose seal couldn't be made durable: {@code before} is open again and takes in all that was marked
     * since (I3). With the gate held.
     */
    void restore(LiveSet before) {
        LiveSet since = open;
        Invariant.check(since != before, "another set to be open than the one to restore");
        before.marks().union(since.marks());
        before.wrote(since.lastWriteMillis());
        open = before;
    }

    /** No write is admitted any more; with the gate held. Completes when those in flight have ended. */
    CompletableFuture<Void> close() {
        closed = true;
        endEpoch(epoch);
        return epoch.ended();
    }

    private void endEpoch(Epoch last) {
        if (!last.isClosed()) {
            last.close(gate.countInside(slot -> epochs[slot] == last));
        }
    }

    /** No write keeps old content for {@code snapshot} from now on. */
    synchronized void remove(Snapshot snapshot) {
        List<Snapshot> rest = new ArrayList<>(List.of(snapshots));
        rest.remove(snapshot);
        snapshots = rest.toArray(new Snapshot[0]);
    }

    private synchronized void install(List<Snapshot> installed) {
        List<Snapshot> all = new ArrayList<>(List.of(snapshots));
        all.addAll(installed);
        snapshots = all.toArray(new Snapshot[0]);
    }
}
