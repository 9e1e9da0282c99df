package io.varve.capture.handover;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Optional;

/**
 * One part that comes in chunks, in order; another part, or another hand-over, begins anew.
 *
 * <p>Thread: guarded by {@link HandoverDesk}.
 */
final class Arriving {
    private String subject = "";
    private ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    /**
     * Takes a chunk.
     *
     * @return the whole part, with its last chunk
     * @throws IOException when it isn't the next one, in one sentence
     */
    Optional<byte[]> take(String part, Chunk chunk) throws IOException {
        if (chunk.offsetBytes() == 0) {
            subject = part;
            bytes = new ByteArrayOutputStream();
        }
        boolean fits = subject.equals(part)
                && bytes.size() == chunk.offsetBytes()
                && chunk.sizeBytes() <= Part.BYTES_MAX
                && chunk.endBytes() <= chunk.sizeBytes();
        if (!fits) {
            throw new IOException("the chunk at byte " + chunk.offsetBytes() + " of " + part + " with "
                    + chunk.sizeBytes() + " bytes isn't the next one; expected byte " + bytes.size() + " of "
                    + (subject.isEmpty() ? "any part" : subject) + ": carry it again from its begin");
        }
        bytes.writeBytes(chunk.bytes());
        if (bytes.size() < chunk.sizeBytes()) {
            return Optional.empty();
        }
        byte[] whole = bytes.toByteArray();
        bytes = new ByteArrayOutputStream();
        subject = "";
        return Optional.of(whole);
    }
}
