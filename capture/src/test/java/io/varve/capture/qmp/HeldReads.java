package io.varve.capture.qmp;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.ZeroMode;
import io.varve.formats.nbd.StatusExtent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** A real image whose reads can be held up, or made to fail: so a job stands still, or fails, when a test wants it. */
final class HeldReads implements Backend {
    private final Backend image;
    private volatile @Nullable CountDownLatch held;
    private volatile boolean failing;
    private final AtomicLong readBytes = new AtomicLong();

    HeldReads(Backend image) {
        this.image = image;
    }

    void hold() {
        held = new CountDownLatch(1);
    }

    void letGo() {
        CountDownLatch latch = held;
        held = null;
        if (latch != null) {
            latch.countDown();
        }
    }

    /** How much was read so far. */
    long readBytes() {
        return readBytes.get();
    }

    void fail(boolean fail) {
        failing = fail;
    }

    @Override
    public long sizeBytes() {
        return image.sizeBytes();
    }

    @Override
    public void read(long offsetBytes, ByteBuffer into) throws IOException {
        CountDownLatch latch = held;
        if (latch != null) {
            try {
                latch.await();
            } catch (InterruptedException e) {
                throw new AssertionError("a thread that reads an image was interrupted", e);
            }
        }
        if (failing) {
            throw new IOException("the test wants it");
        }
        readBytes.addAndGet(into.remaining());
        image.read(offsetBytes, into);
    }

    @Override
    public void write(long offsetBytes, ByteBuffer data) throws IOException {
        image.write(offsetBytes, data);
    }

    @Override
    public void zero(long offsetBytes, long lengthBytes, ZeroMode mode) throws IOException {
        image.zero(offsetBytes, lengthBytes, mode);
    }

    @Override
    public void trim(long offsetBytes, long lengthBytes) throws IOException {
        image.trim(offsetBytes, lengthBytes);
    }

    @Override
    public void flush() throws IOException {
        image.flush();
    }

    @Override
    public List<StatusExtent> allocation(long offsetBytes, long lengthBytes, int extentsMax) throws IOException {
        return image.allocation(offsetBytes, lengthBytes, extentsMax);
    }

    @Override
    public void close() throws IOException {
        letGo();
        image.close();
    }
}
