package io.varve.chaos;

import java.util.BitSet;

/**
 * A write of a writer's, which has one in flight at a time. All times are of one clock that only goes forward.
 *
 * @param version its number, 1 for the writer's first
 * @param first of its sectors, counted from the territory's first
 * @param zeroes a WRITE_ZEROES
 * @param begunNanos before it was sent
 */
record RecordedWrite(int version, int first, int sectors, boolean zeroes, long begunNanos, Outcome outcome) {
    /** What became of it. */
    sealed interface Outcome {
        /** When it was known, if it is. */
        long knownNanos();

        /** Its reply came at this time. */
        record Acknowledged(long knownNanos) implements Outcome {}

        /** It's in flight, or its connection was lost before its reply: each of its sectors may be old or new. */
        record Unknown() implements Outcome {
            @Override
            public long knownNanos() {
                return Long.MAX_VALUE;
            }
        }

        /**
         * Its reply never came, and later the sectors were read.
         *
         * @param made which of its sectors it had written
         */
        record Read(long knownNanos, BitSet made) implements Outcome {
            public Read {
                made = (BitSet) made.clone();
            }

            @Override
            public BitSet made() {
                return (BitSet) made.clone();
            }
        }
    }

    RecordedWrite with(Outcome other) {
        return new RecordedWrite(version, first, sectors, zeroes, begunNanos, other);
    }

    /** The version of the sectors that it writes. */
    int content() {
        return zeroes ? SectorContent.ZEROS : version;
    }

    /** Whether its sector of this index can be new. */
    boolean canHaveMade(int index) {
        return switch (outcome) {
            case Outcome.Acknowledged acknowledged -> true;
            case Outcome.Unknown unknown -> true;
            case Outcome.Read(long nanos, BitSet made) -> made.get(index);
        };
    }

    /** Puts its version into the sectors that it made. */
    void applyTo(SectorVersions versions) {
        for (int index = 0; index < sectors; index++) {
            if (canHaveMade(index)) {
                versions.set(first + index, content());
            }
        }
    }
}
