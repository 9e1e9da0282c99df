package io.varve.transfer.target;

import io.varve.archive.store.Sha256;
import io.varve.archive.store.StoredPart;
import io.varve.archive.store.StoredParts;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.List;
import java.util.concurrent.ConcurrentSkipListMap;

/** Parts written into a file, each where it belongs. Safe for any thread. */
final class FileParts {
    /** The JDK copies what's written from the heap into a direct buffer of that size, and keeps it by thread. */
    private static final int WRITE_BYTES = 1 << 20;

    private final FileChannel channel;
    private final ConcurrentSkipListMap<Integer, StoredPart> stored = new ConcurrentSkipListMap<>();

    FileParts(FileChannel channel) {
        this.channel = channel;
    }

    void write(int number, long offsetBytes, ByteBuffer bytes) throws IOException {
        StoredPart part = new StoredPart(bytes.remaining(), Sha256.of(bytes));
        writeFully(channel, offsetBytes, bytes.duplicate());
        if (stored.putIfAbsent(number, part) != null) {
            throw new IllegalStateException("part " + number + " was written twice");
        }
    }

    static void writeFully(FileChannel channel, long offsetBytes, ByteBuffer bytes) throws IOException {
        long positionBytes = offsetBytes;
        while (bytes.hasRemaining()) {
            ByteBuffer slice = bytes.slice(bytes.position(), Math.min(WRITE_BYTES, bytes.remaining()));
            int writtenBytes = channel.write(slice, positionBytes);
            positionBytes += writtenBytes;
            bytes.position(bytes.position() + writtenBytes);
        }
    }

    /** The parts in order, once it's sure that none is missing. */
    StoredParts whole() {
        if (stored.isEmpty() || stored.lastKey() != stored.size()) {
            throw new IllegalStateException("parts " + stored.keySet() + " were written: one is missing");
        }
        return new StoredParts(List.copyOf(stored.values()));
    }
}
