package io.varve.formats.qcow2;

import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * Gives a header another backing file (qcow2.txt, "Header"): the extensions that stay close up, then come the backing
 * format, the end, and the name. All of it is one write from the file's first byte, so that no one that's killed
 * meanwhile leaves the one file's name with the other's format.
 */
final class BackingChange {
    private static final int VERSION_2_BYTES = 72;

    private BackingChange() {}

    /**
     * The write that does it; empty when the first cluster has no room for it.
     *
     * @param head the file's first bytes, as {@link DriveHeader#decode} takes them; it has decoded to {@code header}
     */
    static Optional<HeaderWrite> of(ByteBuffer head, DriveHeader header, Backing backing) {
        int limit = header.room().limitBytes();
        ByteBuffer out = ByteBuffer.allocate(limit);
        int headerBytes = header.hasZeroClusters() ? head.getInt(HeaderFields.HEADER_LENGTH_OFFSET) : VERSION_2_BYTES;
        out.put(head.slice(0, headerBytes));
        int from = headerBytes;
        int end = header.room().nameOffset() == 0 ? limit : header.room().nameOffset();
        while (end - from >= HeaderFields.EXTENSION_HEAD_BYTES && head.getInt(from) != HeaderFields.EXTENSION_END) {
            int wholeBytes = HeaderFields.EXTENSION_HEAD_BYTES + HeaderFields.padded(head.getInt(from + Integer.BYTES));
            int keptBytes = Math.min(wholeBytes, end - from);
            if (head.getInt(from) != HeaderFields.EXTENSION_BACKING_FORMAT) {
                out.put(head.slice(from, keptBytes));
            }
            from += keptBytes;
        }
        byte[] format = backing.formatBytes();
        byte[] name = backing.nameBytes();
        int nameOffset = out.position() + 2 * HeaderFields.EXTENSION_HEAD_BYTES + HeaderFields.padded(format.length);
        if (nameOffset + name.length > limit) {
            return Optional.empty();
        }
        out.putInt(HeaderFields.EXTENSION_BACKING_FORMAT).putInt(format.length).put(format);
        out.position(nameOffset).put(name);
        out.putLong(HeaderFields.BACKING_OFFSET, nameOffset);
        out.putInt(HeaderFields.BACKING_LENGTH_OFFSET, name.length);
        int oldEnd = header.room().nameOffset() + header.backingNameBytes().length;
        return Optional.of(
                new HeaderWrite(0, out.limit(Math.max(out.position(), oldEnd)).rewind()));
    }
}
