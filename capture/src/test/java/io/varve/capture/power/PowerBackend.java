package io.varve.capture.power;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.ZeroMode;
import io.varve.capture.journal.DurableFiles;
import io.varve.formats.nbd.StatusExtent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/** A raw image on a {@link PowerDisk}. Something can be had done while a write is on its way. */
public final class PowerBackend implements Backend {
    private final FileChannel channel;
    private final long sizeBytes;
    private Runnable beforeWrite = () -> {};

    public PowerBackend(Path image, long sizeBytes) throws IOException {
        this.channel =
                FileChannel.open(image, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        this.sizeBytes = sizeBytes;
    }

    /** Has {@code task} done before the next write, once. */
    public void beforeNextWrite(Runnable task) {
        beforeWrite = task;
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public void read(long offsetBytes, ByteBuffer into) throws IOException {
        DurableFiles.readFully(channel, into, offsetBytes);
        while (into.hasRemaining()) {
            into.put((byte) 0);
        }
    }

    @Override
    public void write(long offsetBytes, ByteBuffer data) throws IOException {
        Runnable task = beforeWrite;
        beforeWrite = () -> {};
        task.run();
        DurableFiles.writeFully(channel, data, offsetBytes);
    }

    /** Only of the first bytes of each 4 MiB, which are those that the test writes. */
    @Override
    public void zero(long offsetBytes, long lengthBytes, ZeroMode mode) throws IOException {
        for (long at = offsetBytes; at < offsetBytes + lengthBytes; at += 4 << 20) {
            write(at, ByteBuffer.allocate(4096));
        }
    }

    @Override
    public void trim(long offsetBytes, long lengthBytes) throws IOException {
        zero(offsetBytes, lengthBytes, ZeroMode.KEEP_ALLOCATED);
    }

    @Override
    public void flush() throws IOException {
        channel.force(false);
    }

    @Override
    public List<StatusExtent> allocation(long offsetBytes, long lengthBytes, int extentsMax) {
        return List.of();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
