package io.varve.capture.nbd;

import io.varve.capture.backend.ZeroMode;
import io.varve.formats.nbd.StatusExtent;
import io.varve.formats.nbd.TransmissionFlag;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/** An export in memory that can't be read beyond an offset, and whose size changes; writes go nowhere. */
final class FaultyExport implements Export {
    private static final ByteBuffer ONES = ones();

    private final Set<TransmissionFlag> flags;
    private final long readableBytes;
    private final AtomicLong asked = new AtomicLong();
    private volatile long sizeBytes;
    private volatile boolean zeroesKnown;

    FaultyExport(long sizeBytes, long readableBytes) {
        this(sizeBytes, readableBytes, TransmissionFlag.WRITABLE);
    }

    FaultyExport(long sizeBytes, long readableBytes, Set<TransmissionFlag> flags) {
        this.sizeBytes = sizeBytes;
        this.readableBytes = readableBytes;
        this.flags = flags;
    }

    private static ByteBuffer ones() {
        byte[] ones = new byte[1 << 18];
        Arrays.fill(ones, (byte) 1);
        return ByteBuffer.wrap(ones);
    }

    /** How many requests came through. */
    long asked() {
        return asked.get();
    }

    /** That there are zeroes where nothing can be read. */
    void knowZeroes() {
        zeroesKnown = true;
    }

    void resize(long newSizeBytes) {
        sizeBytes = newSizeBytes;
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public Set<TransmissionFlag> flags() {
        return flags;
    }

    @Override
    public List<String> metaContexts() {
        return List.of(StatusExtent.BASE_ALLOCATION, StatusExtent.DIRTY_BITMAP_PREFIX + "b");
    }

    @Override
    public void read(long offsetBytes, ByteBuffer into) throws IOException {
        asked.incrementAndGet();
        if (offsetBytes + into.remaining() > readableBytes) {
            throw new IOException("nothing can be read at " + offsetBytes);
        }
        into.put(ONES.slice(0, into.remaining()));
    }

    @Override
    public boolean readAtOnce(long offsetBytes, ByteBuffer into) throws IOException {
        if (zeroBytes(offsetBytes, into.remaining()) > 0) {
            return false;
        }
        read(offsetBytes, into);
        return true;
    }

    @Override
    public long zeroBytes(long offsetBytes, long lengthBytes) {
        return zeroesKnown && offsetBytes >= readableBytes ? lengthBytes : 0;
    }

    @Override
    public void write(long offsetBytes, ByteBuffer data, Completion completion) {
        asked.incrementAndGet();
        completion.done();
    }

    @Override
    public void writeZeroes(long offsetBytes, long lengthBytes, ZeroMode mode, Completion completion) {
        asked.incrementAndGet();
        completion.done();
    }

    @Override
    public void trim(long offsetBytes, long lengthBytes, Completion completion) {
        asked.incrementAndGet();
        completion.done();
    }

    @Override
    public void flush(Completion completion) {
        asked.incrementAndGet();
        completion.done();
    }

    @Override
    public List<StatusExtent> blockStatus(String context, long offsetBytes, long lengthBytes, int extentsMax) {
        return List.of(new StatusExtent(lengthBytes, 0));
    }
}
