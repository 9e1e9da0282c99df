package io.varve.transfer.target;

import io.varve.archive.store.StoredParts;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * Takes the clusters of a copy in ascending order, in the format of the target. Ends with {@link #complete} or
 * {@link #abort}.
 *
 * <p>Thread: one.
 */
public interface ImageWriter {
    /** What's written to, for messages. */
    String describe();

    /**
     * Writes a cluster.
     *
     * @param bytes the whole cluster; behind the drive's end it's padded with zeros
     * @return where it stands in the file
     */
    long data(long cluster, ByteBuffer bytes) throws IOException, InterruptedException;

    /** Makes a cluster read as zeros. */
    void zero(long cluster) throws IOException, InterruptedException;

    /** Stores all that's needed still; after this only {@link #complete} is missing. */
    void finish() throws IOException, InterruptedException;

    /** Makes the image appear; gives the digests of the parts, if it was written in parts. */
    Optional<StoredParts> complete() throws IOException;

    /** Gives up: no image appears. */
    void abort() throws IOException;
}
