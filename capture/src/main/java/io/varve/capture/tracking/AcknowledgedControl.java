package io.varve.capture.tracking;

import io.varve.capture.journal.DurableFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * The control number up to which the broker has the journal, kept lazily: after a crash it may be too low, and then
 * some records are published again, which is harmless. Two big-endian numbers, the second one's complement a check.
 *
 * <p>Thread: the agent's control lock.
 */
final class AcknowledgedControl implements AutoCloseable {
    private static final int FILE_BYTES = 2 * Long.BYTES;

    private final FileChannel channel;
    private long control;

    private AcknowledgedControl(FileChannel channel, long control) {
        this.channel = channel;
        this.control = control;
    }

    /** @param max no record beyond it exists */
    static AcknowledgedControl open(Path file, long max) throws IOException {
        FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        ByteBuffer bytes = ByteBuffer.allocate(FILE_BYTES);
        DurableFiles.readFully(channel, bytes, 0);
        boolean whole = !bytes.hasRemaining() && bytes.getLong(0) == ~bytes.getLong(Long.BYTES);
        long known = whole ? bytes.getLong(0) : 0;
        return new AcknowledgedControl(channel, known >= 0 && known <= max ? known : 0);
    }

    long control() {
        return control;
    }

    void set(long acknowledged) throws IOException {
        control = acknowledged;
        ByteBuffer bytes = ByteBuffer.allocate(FILE_BYTES).putLong(acknowledged).putLong(~acknowledged);
        DurableFiles.writeFully(channel, bytes.flip(), 0);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
