package io.varve.capture.nbd;

import io.varve.formats.nbd.NbdError;

/**
 * The end of one request: exactly one of the methods is called, exactly once. Only then is the client answered.
 *
 * <p>May be called within the export's method or later, from any thread; never blocks, unless it's awaited.
 */
public interface Completion {

    /**
     * Whether the calling thread has nothing else to do than this request, as its client waits for it alone: then it
     * may as well block, which is quicker than to wake others.
     */
    default boolean isAwaited() {
        return false;
    }

    /** Ends the request well. */
    void done();

    /** Ends the request badly; {@code reason} is one sentence: what failed, where, and why. */
    void failed(NbdError error, String reason);

    /** Ends the request badly, but its change may have been made, or may be made yet (UnknownOutcomeException). */
    default void failedPerhaps(String reason) {
        failed(NbdError.EIO, reason);
    }
}
