package io.varve.capture.backend;

import io.varve.formats.nbd.NbdError;
import io.varve.formats.nbd.NbdUri;
import io.varve.formats.nbd.StatusExtent;
import io.varve.transfer.nbd.NbdClient;
import io.varve.transfer.nbd.NbdClientOptions;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * The connection to a server, made again when it was lost.
 *
 * <pre>
 * CONNECTED → LOST since t → CONNECTED      requests wait for it, until the delay has passed since t
 *                          → (the delay)    requests fail at once, but for one a second, which tries
 * any → CLOSED
 * </pre>
 *
 * <p>Safe for any thread.
 */
final class UpstreamConnection implements AutoCloseable {
    private static final long RETRY_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final long LATE_RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final NbdClientOptions OPTIONS =
            new NbdClientOptions(Duration.ofSeconds(5), Duration.ofSeconds(60), 64);

    private final NbdUri uri;
    private final long delayNanos;
    private final LongSupplier nanos;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    // All below is guarded by the lock.
    private Optional<NbdClient> client;
    private OptionalLong expectedSizeBytes = OptionalLong.empty();
    private long lostNanos;
    private long triedNanos;
    private boolean connecting;
    private boolean awaited = true;
    private boolean closed;

    private UpstreamConnection(NbdUri uri, Duration delay, LongSupplier nanos, NbdClient client) {
        this.uri = uri;
        this.delayNanos = delay.toNanos();
        this.nanos = nanos;
        this.client = Optional.of(client);
        this.expectedSizeBytes = OptionalLong.of(client.sizeBytes());
    }

    /** Connects, and fails at once where that's impossible. */
    static UpstreamConnection open(NbdUri uri, Duration delay, LongSupplier nanos) throws IOException {
        return new UpstreamConnection(uri, delay, nanos, connect(uri));
    }

    private static NbdClient connect(NbdUri uri) throws IOException {
        return NbdClient.connect(uri, List.of(StatusExtent.BASE_ALLOCATION), OPTIONS);
    }

    NbdUri uri() {
        return uri;
    }

    /**
     * The client of a connection that may work; waits for one.
     *
     * @throws RequestFailedException in one sentence, when the server stayed away for too long, or nobody is to wait
     */
    NbdClient client() throws IOException {
        lock.lock();
        try {
            while (client.isEmpty()) {
                checkOpen();
                long nowNanos = nanos.getAsLong();
                boolean late = !awaited || nowNanos - lostNanos > delayNanos;
                boolean due = nowNanos - triedNanos >= (late ? LATE_RETRY_NANOS : RETRY_NANOS);
                if (due && !connecting) {
                    tryToConnect();
                } else if (late) {
                    throw away();
                } else {
                    long _ = changed.awaitNanos(RETRY_NANOS);
                }
            }
            checkOpen();
            return client.get();
        } catch (InterruptedException e) {
            // Nobody interrupts threads that use a backend.
            throw new IllegalStateException("interrupted while waiting for " + uri, e);
        } finally {
            lock.unlock();
        }
    }

    /** With the lock, which is let go meanwhile. */
    private void tryToConnect() throws IOException {
        connecting = true;
        triedNanos = nanos.getAsLong();
        Optional<NbdClient> made = Optional.empty();
        lock.unlock();
        try {
            made = Optional.of(connect(uri));
        } catch (IOException e) {
            // It's tried again, by whoever asks next.
            made = Optional.empty();
        } finally {
            lock.lock();
            connecting = false;
            changed.signalAll();
        }
        if (made.isPresent()) {
            adopt(made.get());
        }
    }

    private void adopt(NbdClient made) throws IOException {
        if (closed) {
            made.close();
            return;
        }
        if (made.sizeBytes() != expectedSizeBytes.orElseThrow()) {
            made.close();
            throw new IOException(
                    uri + " came back with " + made.sizeBytes() + " bytes, expected " + expectedSizeBytes.getAsLong()
                            + ": is it another image? Restart the agent if it's meant to be so");
        }
        client = Optional.of(made);
    }

    /** Says that a client's connection is lost; further requests get another one. */
    void lost(NbdClient dead) {
        lock.lock();
        try {
            if (client.isPresent() && client.get() == dead) {
                client = Optional.empty();
                lostNanos = nanos.getAsLong();
                triedNanos = lostNanos - LATE_RETRY_NANOS;
            }
        } finally {
            lock.unlock();
        }
        dead.close();
    }

    /** Whether requests wait for a server that is away. */
    void await(boolean isAwaited) {
        lock.lock();
        try {
            awaited = isAwaited;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void checkOpen() throws RequestFailedException {
        if (closed) {
            throw new RequestFailedException(NbdError.ESHUTDOWN, "the connection to " + uri + " is closed");
        }
    }

    private RequestFailedException away() {
        return new RequestFailedException(
                NbdError.EIO,
                uri + " has been away for " + TimeUnit.NANOSECONDS.toSeconds(nanos.getAsLong() - lostNanos)
                        + " s; start it again, and the drive goes on");
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            client.ifPresent(NbdClient::close);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
