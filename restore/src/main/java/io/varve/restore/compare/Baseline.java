package io.varve.restore.compare;

import io.varve.core.bits.Extent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.function.Consumer;

/** What a drive was earlier, from its beginning to its end. Thread: one. */
public interface Baseline {
    /** How long a range is, in bytes: each begins at a multiple of it. */
    int rangeBytes();

    /** What the drive had in the next range; it comes right after the one before, or is the first. */
    Check next(Extent range) throws IOException;

    /** One range. Safe for any thread, once. */
    @FunctionalInterface
    interface Check {
        /**
         * Tells every part of the range that differs, and perhaps more.
         *
         * @param content the range's bytes now, from 0 to its limit
         */
        void find(ByteBuffer content, Consumer<Extent> differing) throws IOException;
    }
}
