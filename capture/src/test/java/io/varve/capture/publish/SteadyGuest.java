package io.varve.capture.publish;

import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A guest that writes one granule after another to its drives until it's closed. */
final class SteadyGuest implements AutoCloseable {
    private final Host host;
    private final List<String> drives;
    private final AtomicReference<@Nullable RuntimeException> failure = new AtomicReference<>();
    private final Thread thread = new Thread(this::write, "guest");
    private volatile boolean isClosed;
    private volatile long written;

    SteadyGuest(Host host, String... drives) {
        this.host = host;
        this.drives = List.of(drives);
        thread.start();
    }

    long written() {
        return written;
    }

    private void write() {
        try {
            for (long count = 0; !isClosed; count++) {
                // A stride that visits all granules.
                host.write(
                        drives.get((int) (count % drives.size())), count * 37 % (Host.SIZE_BYTES / Host.GRANULE_BYTES));
                written = count + 1;
            }
        } catch (RuntimeException e) {
            failure.set(e);
        }
    }

    @Override
    public void close() throws InterruptedException {
        isClosed = true;
        thread.join();
        RuntimeException failed = failure.get();
        if (failed != null) {
            throw new AssertionError("I9: a guest's write failed", failed);
        }
    }
}
