package io.varve.simulator;

import io.varve.core.bits.Marks;
import io.varve.core.id.IncarnationId;
import io.varve.core.id.JournalId;

/** The marks of a generation on memory-backed storage, which outlives the process. */
final class LiveSet {
    private final JournalId journal;
    private final IncarnationId incarnation;
    private final long generation;
    private Marks marks;

    LiveSet(JournalId journal, IncarnationId incarnation, long generation, Marks marks) {
        this.journal = journal;
        this.incarnation = incarnation;
        this.generation = generation;
        this.marks = marks;
    }

    boolean isOf(JournalId wantedJournal, IncarnationId wantedIncarnation) {
        return journal.equals(wantedJournal) && incarnation.equals(wantedIncarnation);
    }

    long generation() {
        return generation;
    }

    Marks marks() {
        return marks;
    }

    /** Only a broken rule gives a set other marks. */
    void replace(Marks other) {
        marks = other;
    }
}
