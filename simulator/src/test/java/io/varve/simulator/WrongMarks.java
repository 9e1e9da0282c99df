package io.varve.simulator;

import io.varve.core.bits.Extent;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.core.cut.InFlightTable;

/** Sabotage of how writes are marked (reliability.md sections 2 and 4). */
final class WrongMarks {
    private WrongMarks() {}

    /** Marks of the intent only: what is in flight at a cut isn't in the next generation. */
    record IntentOnly() implements Rules {
        @Override
        public void seed(InFlightTable inFlight, Marks next) {
            // The next generation begins empty.
        }
    }

    record AtCompletion() implements Rules {
        @Override
        public MarkMoment markMoment() {
            return MarkMoment.AT_COMPLETION;
        }
    }

    /** The write is forwarded first. */
    record AfterEffect() implements Rules {
        @Override
        public MarkMoment markMoment() {
            return MarkMoment.AFTER_EFFECT;
        }
    }

    /** Marks in the process's own memory. */
    record InProcessMemory() implements Rules {
        @Override
        public Marks afterDeath(Marks live) {
            return Marks.none(live.granularity(), live.sizeBytes());
        }
    }

    record ClearedOnError() implements Rules {
        @Override
        public Marks afterError(Marks open, GuestWrite failed) {
            Marks rest = Marks.none(open.granularity(), open.sizeBytes());
            long granuleBytes = open.granularity().bytes();
            for (Extent extent : open.extents()) {
                for (long at = extent.offsetBytes(); at < extent.endBytes(); at += granuleBytes) {
                    if (at + granuleBytes <= failed.offsetBytes()
                            || at >= failed.offsetBytes() + failed.lengthBytes()) {
                        rest.mark(at, 1);
                    }
                }
            }
            return rest;
        }
    }

    /** A kind of request that isn't marked. */
    record Without(WriteKind skipped) implements Rules {
        @Override
        public boolean marks(WriteKind kind) {
            return kind != skipped;
        }
    }

    /** The end of a range is rounded down. */
    record WithoutTail() implements Rules {
        @Override
        public void mark(Marks open, GuestWrite write) {
            Granularity granularity = open.granularity();
            long endBytes = (write.offsetBytes() + write.lengthBytes()) & -granularity.bytes();
            if (endBytes > write.offsetBytes()) {
                open.mark(write.offsetBytes(), endBytes - write.offsetBytes());
            }
        }
    }
}
