package io.varve.transfer.target;

import io.varve.archive.store.StoredParts;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Takes an image in numbered parts, in any order and several at a time; part 1, which holds the header, comes when all
 * others are stored. The image isn't one before {@link #complete}. Safe for any thread.
 */
public interface ImageTarget {
    /** What this is, for messages. */
    String describe();

    /** How many parts an image may have at most. */
    int partsMax();

    /**
     * Stores a part: the bytes between position and limit, which are left as they are.
     *
     * @param number from 1 on
     * @param offsetBytes of the part in the image
     */
    void writePart(int number, long offsetBytes, ByteBuffer bytes) throws IOException;

    /** Makes the image appear, durable and whole. */
    StoredParts complete() throws IOException;

    /** Gives up: no image appears, and what was stored is freed. */
    void abort() throws IOException;
}
