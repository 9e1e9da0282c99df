package io.varve.capture.activity;

import java.util.BitSet;

/** Which writes of a drive may be reaching its image. */
public interface WritesInFlight {
    /**
     * The regions that writes in flight touch, but for those with a slot in {@code except}: at least all of the writes
     * that looked for hot regions before the call. Waits for those that are registering, and holds nobody up.
     */
    BitSet regions(BitSet except);
}
