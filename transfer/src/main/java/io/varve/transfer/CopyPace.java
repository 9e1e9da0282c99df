package io.varve.transfer;

import io.varve.core.bits.Extent;

/** How a copy is held back, and who hears what it has done; all is called on the copying thread. */
public interface CopyPace {
    /** As fast as it goes. */
    CopyPace FREE = new CopyPace() {
        @Override
        public long chunkBytesMax() {
            return Long.MAX_VALUE;
        }

        @Override
        public void await(long bytes) {}

        @Override
        public void copied(Extent extent) {}
    };

    /** The most that's copied at once; a cluster at least. */
    long chunkBytesMax();

    /** Returns when the next {@code bytes} may be copied. */
    void await(long bytes) throws InterruptedException;

    /** The target has this now. */
    void copied(Extent extent);
}
