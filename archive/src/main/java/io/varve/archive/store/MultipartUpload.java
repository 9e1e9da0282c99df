package io.varve.archive.store;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * An object on its way, in parts numbered from 1 that may come in any order and at the same time. Limits are S3's: at
 * most 10,000 parts, each but the last at least 5 MiB. Safe for any thread.
 */
public interface MultipartUpload {
    int MAX_PARTS = 10_000;
    int MIN_PART_BYTES = 5 << 20;

    /**
     * Stores a part: the bytes between position and limit, which are left as they are. A number is used once.
     *
     * @return the part's length and SHA-256
     */
    StoredPart uploadPart(int number, ByteBuffer bytes) throws IOException;

    /**
     * Makes the object appear. All parts from 1 to the last must have been stored.
     *
     * @return the digests to write down for the object
     */
    StoredParts complete() throws IOException;

    /** Gives up: the object never appears, and what was stored for it is freed. After {@link #complete} nothing. */
    void abort() throws IOException;
}
