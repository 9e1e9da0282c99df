package io.varve.archive.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * Named, immutable runs of bytes below one root (a bucket's prefix, a folder). There is no delete: a backup never needs
 * one, and who has no right to delete can't delete by mistake (reliability.md section 5).
 *
 * <p>Keys are relative to the root. Every method tries a bounded number of times by itself; what it throws is a
 * {@link StoreException} whose message is one sentence for the user. Safe for any thread.
 */
public interface ObjectStore extends AutoCloseable {
    /** Writes a whole object, over one of this key if there is one. */
    void put(ObjectKey key, ByteBuffer bytes) throws IOException;

    /**
     * Writes a whole object unless the key has one; of any number of racers exactly one creates it.
     *
     * <p>A reply that got lost on its way can make the creator itself see {@link PutResult.Exists}: read the object to
     * know who won.
     */
    PutResult putIfAbsent(ObjectKey key, ByteBuffer bytes) throws IOException;

    /**
     * A whole small object, or empty when there is none.
     *
     * @throws StoreException {@link StoreException.Category#TOO_LARGE} if it's longer than {@code limitBytes}
     */
    Optional<byte[]> get(ObjectKey key, int limitBytes) throws IOException;

    /**
     * Fills {@code target} up to its limit from {@code offsetBytes} on. After an error the target's content is
     * undefined and its position is as it was.
     *
     * @throws StoreException {@link StoreException.Category#MISSING} when there is no such object or it ends too early
     */
    void read(ObjectKey key, long offsetBytes, ByteBuffer target) throws IOException;

    /** The object's length, or empty when there is none. */
    Optional<ObjectSummary> head(ObjectKey key) throws IOException;

    /**
     * One page of the objects whose key starts with {@code prefix}, in the order of their keys.
     *
     * @param after the last key of the page before, empty for the first page
     */
    ObjectPage list(String prefix, Optional<ObjectKey> after) throws IOException;

    /** Begins an object that's written in parts; it appears, whole, when the upload completes. */
    MultipartUpload begin(ObjectKey key) throws IOException;

    /** Where this is, for messages: {@code s3://bucket/prefix} or {@code file:/folder}. */
    String describe();

    @Override
    void close();
}
