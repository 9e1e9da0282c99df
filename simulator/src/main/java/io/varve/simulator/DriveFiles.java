package io.varve.simulator;

import io.varve.core.bits.Marks;
import io.varve.core.cut.InFlightTable;
import io.varve.core.event.LogRecord;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
    /** The open generation's marks after a clean detach. */
    private Optional<Marks> keptOpen = Optional.empty();

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

    Optional<Marks> keptOpen() {
        return keptOpen;
    }

    void keepOpen(Optional<Marks> marks) {
        keptOpen = marks;
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
        copy.keptOpen = keptOpen;
        copy.foreignWritesAtEnd = foreignWritesAtEnd;
        return copy;
    }
}
