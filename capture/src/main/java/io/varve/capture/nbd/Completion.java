package io.varve.capture.nbd;

import io.varve.formats.nbd.NbdError;

/**
 * The end of one request: exactly one of the methods is called, exactly once. Only then is the client answered.
 *
 * <p>May be called within the export's method or later, from any thread; never blocks.
 */
public interface Completion {

    /** Ends the request well. */
    void done();

    /** Ends the request badly; {@code reason} is one sentence: what failed, where, and why. */
    void failed(NbdError error, String reason);
}
