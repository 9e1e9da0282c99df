package io.varve.transfer.target;

import io.varve.archive.store.MultipartUpload;
import io.varve.archive.store.StoreException;
import io.varve.archive.store.StoredParts;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;

/** An object in the archive. */
public final class UploadTarget implements ImageTarget {
    private final MultipartUpload upload;
    private final String description;
    private volatile Optional<StoreException.Category> failure = Optional.empty();

    /** An object for which {@code upload} has begun; {@code description} names it in messages. */
    public UploadTarget(MultipartUpload upload, String description) {
        this.upload = upload;
        this.description = description;
    }

    @Override
    public String describe() {
        return description;
    }

    @Override
    public int partsMax() {
        return MultipartUpload.MAX_PARTS;
    }

    /** What kind of failure the store met; empty when it met none. */
    public Optional<StoreException.Category> failure() {
        return failure;
    }

    @Override
    public void writePart(int number, long offsetBytes, ByteBuffer bytes) throws IOException {
        try {
            upload.uploadPart(number, bytes);
        } catch (StoreException e) {
            failure = Optional.of(e.category());
            throw e;
        }
    }

    @Override
    public StoredParts complete() throws IOException {
        try {
            return upload.complete();
        } catch (StoreException e) {
            failure = Optional.of(e.category());
            throw e;
        }
    }

    @Override
    public void abort() throws IOException {
        upload.abort();
    }
}
