package io.varve.capture.backend;

import io.varve.formats.nbd.NbdError;
import io.varve.formats.nbd.StatusExtent;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * A drive's bytes. Ranges lie within [0, sizeBytes); callers check that.
 *
 * <p>Safe for any thread; all methods block. The calling threads must never be interrupted: an interrupt closes the
 * file's channel under all others.
 */
public interface Backend extends Closeable {

    /** A multiple of 512. */
    long sizeBytes();

    /** Fills {@code into} from {@code offsetBytes}. */
    void read(long offsetBytes, ByteBuffer into) throws IOException;

    /**
     * Fills {@code into} if that needs no device and no other machine; false when it would, or may: then nothing was
     * read, whatever {@code into} holds now.
     */
    default boolean readAtOnce(long offsetBytes, ByteBuffer into) throws IOException {
        return false;
    }

    /** Hints that a range will be read soon, piece by piece; may do nothing, never waits for the data. */
    default void willRead(long offsetBytes, long lengthBytes) {}

    /**
     * How many of a range's bytes, from its first, are known to be zero without being read; 0 when they aren't, or when
     * to find out could take longer than to read some 64 KiB.
     */
    default long zeroBytes(long offsetBytes, long lengthBytes) throws IOException {
        return 0;
    }

    /** Whether requests go to another machine, or may: then many are begun at once rather than one after the other. */
    default boolean isRemote() {
        return false;
    }

    /** Whether requests wait for a server which is away, or fail soon; those of a file wait for nothing. */
    default void awaitServer(boolean isAwaited) {}

    /** The same bytes without the faults that tests order: for what the agent does for itself, unseen by guests. */
    default Backend undisturbed() {
        return this;
    }

    /** Writes what remains of {@code data} at {@code offsetBytes}; durable after a {@link #flush()} only. */
    void write(long offsetBytes, ByteBuffer data) throws IOException;

    /**
     * Makes a range read as zeroes.
     *
     * @throws RequestFailedException ENOTSUP when {@code mode} demands a fast way and there is none
     */
    void zero(long offsetBytes, long lengthBytes, ZeroMode mode) throws IOException;

    /** Gives a range's space back; it reads as zeroes or as before. Does nothing where that's impossible. */
    void trim(long offsetBytes, long lengthBytes) throws IOException;

    /** Makes durable whatever was completed before the call. */
    void flush() throws IOException;

    /**
     * Gives the drive another size, durably. Nobody may write beyond the smaller of both meanwhile; who reads there
     * gets an error, or what's there.
     *
     * @param sizeBytes a positive multiple of 512
     * @return whether what's new reads as zeroes; else it may hold anything
     * @throws RequestFailedException ENOTSUP when this can't be done to it
     */
    default boolean resize(long sizeBytes) throws IOException {
        throw new RequestFailedException(NbdError.ENOTSUP, "Image format driver does not support resize");
    }

    /**
     * The range's extents in {@code base:allocation}, in order and without gaps, from its first byte.
     *
     * @param extentsMax at most this many are told, and the rest of the range left out
     */
    List<StatusExtent> allocation(long offsetBytes, long lengthBytes, int extentsMax) throws IOException;
}
