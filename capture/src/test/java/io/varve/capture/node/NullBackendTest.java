package io.varve.capture.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class NullBackendTest {
    /** A clock that goes on by a tenth of the latency whenever it's read: so a wait that ends early is seen. */
    private final AtomicLong nanos = new AtomicLong();

    private NullBackend backend(long latencyNanos) {
        return new NullBackend(4096, latencyNanos, () -> nanos.getAndAdd(latencyNanos / 10));
    }

    @Test
    void shouldTakeItsLatencyForEachRequest() {
        NullBackend slow = backend(10_000);

        slow.write(0, ByteBuffer.allocate(512));
        long afterOne = nanos.get();
        slow.read(0, ByteBuffer.allocate(512));
        slow.flush();

        assertTrue(afterOne > 10_000, () -> "a write took " + afterOne + " ns");
        assertEquals(3 * afterOne, nanos.get());
    }

    @Test
    void shouldReadAsZerosAndLookAtNoClockWithoutLatency() {
        ByteBuffer read = ByteBuffer.allocate(513).put(512, (byte) 1);

        backend(0).read(0, read);

        assertEquals(ByteBuffer.allocate(513), read.flip());
        assertEquals(0, nanos.get());
    }
}
