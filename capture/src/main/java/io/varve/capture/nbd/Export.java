package io.varve.capture.nbd;

import io.varve.capture.backend.ZeroMode;
import io.varve.formats.nbd.StatusExtent;
import io.varve.formats.nbd.TransmissionFlag;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Set;

/**
 * A drive as the server's connections see it. Ranges lie within [0, sizeBytes) and aren't empty; writes come only when
 * the export isn't read-only: the server checks both.
 *
 * <p>Safe for any thread: each connection calls from its own and its readers', never interrupted.
 *
 * <p>A request that changes something ends by its {@link Completion}: within the method (the cheap way), or later from
 * another thread when it must wait. Failures go to the completion too; what a method throws is a bug. A request of the
 * client may come as several: a WRITE over 256 KiB as pieces of that size, and one with FUA as itself followed by
 * {@link #flush} once it's done.
 */
public interface Export {

    /** May change: new connections are told, those that are open lose what's beyond a smaller one. */
    long sizeBytes();

    /** {@link TransmissionFlag#WRITABLE} or {@link TransmissionFlag#UNWRITABLE}, as a rule. */
    Set<TransmissionFlag> flags();

    /** The meta contexts, by name. */
    List<String> metaContexts();

    /**
     * Fills {@code into} from {@code offsetBytes}. May block: it holds up its own connection alone.
     *
     * @throws IOException with a sentence; a {@link io.varve.capture.backend.RequestFailedException} names the error
     */
    void read(long offsetBytes, ByteBuffer into) throws IOException;

    /**
     * As {@link #read}, but false when that would keep the thread waiting for a device or another machine: then nothing
     * was read, whatever {@code into} holds now, and another thread may {@link #read} it. An export that can't tell
     * reads.
     */
    default boolean readAtOnce(long offsetBytes, ByteBuffer into) throws IOException {
        read(offsetBytes, into);
        return true;
    }

    /** How many of a range's bytes, from its first, are known to be zero without being read; 0 when they aren't. */
    default long zeroBytes(long offsetBytes, long lengthBytes) throws IOException {
        return 0;
    }

    /** Hints that a range will be read soon, piece by piece; may do nothing, never waits for the data. */
    default void willRead(long offsetBytes, long lengthBytes) {}

    /**
     * Writes what remains of {@code data}, a direct buffer that's the connection's: it's valid until this method
     * returns, so an export that completes later copies it first.
     */
    void write(long offsetBytes, ByteBuffer data, Completion completion);

    void writeZeroes(long offsetBytes, long lengthBytes, ZeroMode mode, Completion completion);

    void trim(long offsetBytes, long lengthBytes, Completion completion);

    /**
     * Makes durable whatever was completed before, on any connection. Should complete from another thread, unless
     * {@link Completion#isAwaited}.
     */
    void flush(Completion completion);

    /**
     * The range's extents in a meta context, in order and without gaps, from its first byte.
     *
     * @param context one of {@link #metaContexts()}
     * @param extentsMax at most this many are told, and the rest of the range left out
     */
    List<StatusExtent> blockStatus(String context, long offsetBytes, long lengthBytes, int extentsMax)
            throws IOException;
}
