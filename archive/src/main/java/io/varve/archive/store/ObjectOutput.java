package io.varve.archive.store;

import io.varve.core.bits.Digest;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An object of unknown length written as a stream: a small one by one put, a larger one in parts. Nothing appears
 * before {@link #finish}; closing without it gives up. Memory: one part. Thread: its owner's only.
 */
public final class ObjectOutput extends OutputStream {
    private static final Logger LOG = LoggerFactory.getLogger(ObjectOutput.class);
    private static final int FIRST_BUFFER_BYTES = 64 * 1024;

    /** What was written. */
    public record Written(ObjectKey key, long lengthBytes, Digest sha256) {}

    private final ObjectStore store;
    private final ObjectKey key;
    private final int partBytes;
    private final MessageDigest running = Sha256.start();
    private byte[] buffer = new byte[FIRST_BUFFER_BYTES];
    private int bufferedBytes;
    private long lengthBytes;
    private int parts;
    private Optional<MultipartUpload> upload = Optional.empty();

    /** As the other, with parts of 8 MiB: room for 80 GB. */
    public ObjectOutput(ObjectStore store, ObjectKey key) {
        this(store, key, 8 << 20);
    }

    /**
     * Writes one object.
     *
     * @param partBytes at least {@link MultipartUpload#MIN_PART_BYTES}
     */
    public ObjectOutput(ObjectStore store, ObjectKey key, int partBytes) {
        if (partBytes < MultipartUpload.MIN_PART_BYTES) {
            throw new IllegalArgumentException("parts of " + partBytes + " bytes are too small");
        }
        this.store = store;
        this.key = key;
        this.partBytes = partBytes;
    }

    @Override
    public void write(int value) throws IOException {
        write(new byte[] {(byte) value}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        running.update(bytes, offset, length);
        lengthBytes += length;
        int taken = 0;
        while (taken < length) {
            if (bufferedBytes == partBytes) {
                storePart();
            }
            int count = Math.min(length - taken, partBytes - bufferedBytes);
            room(bufferedBytes + count);
            System.arraycopy(bytes, offset + taken, buffer, bufferedBytes, count);
            bufferedBytes += count;
            taken += count;
        }
    }

    private void room(int neededBytes) {
        if (neededBytes > buffer.length) {
            buffer = Arrays.copyOf(buffer, Math.min(partBytes, Math.max(neededBytes, 2 * buffer.length)));
        }
    }

    private void storePart() throws IOException {
        if (upload.isEmpty()) {
            upload = Optional.of(store.begin(key));
        }
        upload.get().uploadPart(++parts, buffered());
        bufferedBytes = 0;
    }

    private ByteBuffer buffered() {
        return ByteBuffer.wrap(buffer, 0, bufferedBytes);
    }

    /** Makes the object appear. */
    public Written finish() throws IOException {
        if (upload.isPresent()) {
            storePart();
            upload.get().complete();
            upload = Optional.empty();
        } else {
            store.put(key, buffered());
        }
        return new Written(key, lengthBytes, Sha256.finish(running));
    }

    /** Gives up unless finished; a store that doesn't answer now collects the parts later. */
    @Override
    public void close() {
        try {
            if (upload.isPresent()) {
                upload.get().abort();
            }
        } catch (IOException e) {
            LOG.warn("Parts are left over: {}", e.getMessage());
        }
    }
}
