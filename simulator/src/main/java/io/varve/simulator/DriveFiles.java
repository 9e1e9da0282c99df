package io.varve.simulator;

import io.varve.core.bits.Extent;
import io.varve.core.bits.Marks;
import io.varve.core.cut.InFlightTable;
import io.varve.core.event.LogRecord;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;

/**
 * What an agent keeps of a drive beside the process: on disk, flushed before it counts, the journal and the sealed
 * marks; in the host's memory, for as long as it's up, live sets and the table of what is in flight.
 */
final class DriveFiles {
    static final int IN_FLIGHT_MAX = 64;

    private final List<LogRecord> journal = new ArrayList<>();
    private final Map<Long, Marks> kept = new TreeMap<>();
    private long acknowledged;
    /** Marks of generations that aren't sealed, as they were when they were made durable last. */
    private final SortedMap<Long, Marks> keptOpen = new TreeMap<>();

    private Optional<LoggedRegions> logged = Optional.empty();
    private List<Extent> lost = List.of();

    private final Map<Long, LiveSet> live = new TreeMap<>();
    private Optional<MemorySegment> inFlight = Optional.empty();
    private UUID boot = new UUID(0, 0);
    private int foreignWritesAtEnd;

    List<LogRecord> journal() {
        return journal;
    }

    Map<Long, Marks> kept() {
        return kept;
    }

    Map<Long, LiveSet> live() {
        return live;
    }

    long acknowledged() {
        return acknowledged;
    }

    void acknowledge(long control) {
        acknowledged = control;
    }

    SortedMap<Long, Marks> keptOpen() {
        return keptOpen;
    }

    /** Makes the marks of all live sets durable. */
    void keepOpen() {
        live.forEach((generation, set) ->
                keptOpen.put(generation, set.marks().copyAt(set.marks().granularity())));
    }

    /** The activity log; empty when it's off. */
    Optional<LoggedRegions> logged() {
        return logged;
    }

    void log(Optional<LoggedRegions> regions) {
        logged = regions;
    }

    /** Writes of unknown outcome. */
    List<Extent> lost() {
        return lost;
    }

    void keepLost(List<Extent> writes) {
        lost = List.copyOf(writes);
    }

    /** The table that the last run left, if the host is up since. */
    Optional<InFlightTable> inFlight() {
        return inFlight.map(segment -> new InFlightTable(segment, IN_FLIGHT_MAX));
    }

    InFlightTable newInFlight(UUID ofBoot) {
        MemorySegment segment = MemorySegment.ofArray(new long[2 * IN_FLIGHT_MAX]);
        inFlight = Optional.of(segment);
        boot = ofBoot;
        return new InFlightTable(segment, IN_FLIGHT_MAX);
    }

    UUID boot() {
        return boot;
    }

    /** How the image looked when this agent ended: its times tell whether a stranger wrote it since. */
    int foreignWritesAtEnd() {
        return foreignWritesAtEnd;
    }

    void ended(int foreignWrites) {
        foreignWritesAtEnd = foreignWrites;
    }

    void loseMemory() {
        live.clear();
        inFlight = Optional.empty();
    }

    /** A copy of what is on disk, as somebody takes to another host. */
    DriveFiles copyOfDisk() {
        DriveFiles copy = new DriveFiles();
        copy.journal.addAll(journal);
        kept.forEach((generation, marks) -> copy.kept.put(generation, marks.copyAt(marks.granularity())));
        keptOpen.forEach((generation, marks) -> copy.keptOpen.put(generation, marks.copyAt(marks.granularity())));
        copy.logged = logged;
        copy.lost = lost;
        copy.foreignWritesAtEnd = foreignWritesAtEnd;
        return copy;
    }
}
