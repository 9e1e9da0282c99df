package io.varve.transfer.target;

import io.varve.archive.store.MultipartUpload;
import io.varve.archive.store.StoredParts;
import java.io.IOException;
import java.nio.ByteBuffer;

/** An object in the archive. */
public final class UploadTarget implements ImageTarget {
    private final MultipartUpload upload;
    private final String description;

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

    @Override
    public void writePart(int number, long offsetBytes, ByteBuffer bytes) throws IOException {
        upload.uploadPart(number, bytes);
    }

    @Override
    public StoredParts complete() throws IOException {
        return upload.complete();
    }

    @Override
    public void abort() throws IOException {
        upload.abort();
    }
}
