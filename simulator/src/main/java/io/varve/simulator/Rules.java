package io.varve.simulator;

import io.varve.archive.store.ObjectStore;
import io.varve.core.bits.Extent;
import io.varve.core.bits.Marks;
import io.varve.core.cut.InFlightTable;
import io.varve.core.drive.DriveState;
import io.varve.core.event.LogRecord;
import io.varve.core.reader.ReaderStores;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The rules that a run may be given wrong ones for, to see that the invariants notice. The methods here are the right
 * ones; sabotage overrides one.
 */
interface Rules {
    Rules RIGHT = new Rules() {};

    /** Faults that each run by these rules has: those in which a wrong one shows. */
    default Set<Faults.Kind> emphasis() {
        return Set.of();
    }

    /** Whether such a request is marked. */
    default boolean marks(WriteKind kind) {
        return true;
    }

    default MarkMoment markMoment() {
        return MarkMoment.BEFORE_EFFECT;
    }

    default void mark(Marks open, GuestWrite write) {
        open.mark(write.offsetBytes(), write.lengthBytes());
    }

    /** What a cut does to the next generation. */
    default void seed(InFlightTable inFlight, Marks next) {
        inFlight.markInto(next);
    }

    /** The open generation's marks after a write failed. */
    default Marks afterError(Marks open, GuestWrite failed) {
        return open;
    }

    /** Whether a write waits until its regions are in the activity log. */
    default boolean awaitsLog() {
        return true;
    }

    /** Whether marks are made durable before a region leaves the activity log. */
    default boolean keepsMarksFirst() {
        return true;
    }

    /** The writes of unknown outcome that a new run takes over. */
    default List<Extent> afterRestart(List<Extent> lost) {
        return lost;
    }

    /** What is left of a set after its process died. */
    default Marks afterDeath(Marks live) {
        return live;
    }

    /** The state that the agent's fold came to, from its own record. */
    default DriveState folded(DriveState before, LogRecord record, DriveState after) {
        return after;
    }

    /** Whether the cuts of a group are taken within one hold. */
    default boolean holdsGroup() {
        return true;
    }

    /** The record as the streams take it; empty when they pass it over. */
    default Optional<LogRecord> read(LogRecord record, ReaderStores stores) {
        return Optional.of(record);
    }

    /** The store as whoever writes decisions uses it. */
    default ObjectStore forDecisions(ObjectStore store) {
        return store;
    }

    /** Whether a manifest waits until what it names is there. */
    default boolean dataBeforeManifest() {
        return true;
    }

    /** Whether each attempt uploads under a key of its own, from its beginning. */
    default boolean uploadsAlone() {
        return true;
    }

    /** Whether the collector spares what a live attempt may have put. */
    default boolean sparesLiveAttempts() {
        return true;
    }
}
