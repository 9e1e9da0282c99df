package io.varve.chaos;

import io.varve.chaos.RecordedWrite.Outcome;
import java.util.ArrayList;
import java.util.List;

/** What one writer did to its territory, from a moment on. Safe for any thread. */
final class WriterHistory {
    private final Territory territory;
    /** The version of each sector before the first write that is kept. Guarded by this. */
    private final SectorVersions base;
    /** Guarded by this. */
    private final List<RecordedWrite> writes = new ArrayList<>();

    /** Of a territory of zeros. */
    WriterHistory(Territory territory) {
        this.territory = territory;
        this.base = SectorVersions.ofZeros(territory.sectors());
    }

    /**
     * A history as it was at one time.
     *
     * @param base the version of each sector before the first write
     * @param writes in their order; at most the last one is of unknown outcome
     */
    record View(Territory territory, SectorVersions base, List<RecordedWrite> writes) {
        View {
            base = base.copy();
            writes = List.copyOf(writes);
        }

        /** How many writes were known to have ended before {@code nanos}. */
        int endedBefore(long nanos) {
            return (int) writes.stream()
                    .takeWhile(write -> write.outcome().knownNanos() < nanos)
                    .count();
        }

        /** How many writes were begun before {@code nanos}. */
        int begunBefore(long nanos) {
            return (int) writes.stream()
                    .takeWhile(write -> write.begunNanos() < nanos)
                    .count();
        }
    }

    Territory territory() {
        return territory;
    }

    synchronized void add(RecordedWrite write) {
        writes.add(write);
    }

    /** What became of the last write. */
    synchronized void end(Outcome outcome) {
        writes.set(writes.size() - 1, writes.getLast().with(outcome));
    }

    synchronized View view() {
        return new View(territory, base, writes);
    }

    /** What all writes but the last one left. */
    synchronized SectorVersions versionsBeforeLast() {
        SectorVersions versions = base.copy();
        writes.subList(0, writes.size() - 1).forEach(write -> write.applyTo(versions));
        return versions;
    }

    /** Forgets when the writes were made that had ended before {@code nanos}; no cut before it may be checked later. */
    synchronized void forgetBefore(long nanos) {
        int ended = view().endedBefore(nanos);
        List<RecordedWrite> old = writes.subList(0, ended);
        old.forEach(write -> write.applyTo(base));
        old.clear();
    }
}
