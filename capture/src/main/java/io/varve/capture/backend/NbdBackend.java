package io.varve.capture.backend;

import io.varve.formats.nbd.NbdError;
import io.varve.formats.nbd.NbdUri;
import io.varve.formats.nbd.StatusExtent;
import io.varve.formats.nbd.TransmissionFlag;
import io.varve.transfer.nbd.Durability;
import io.varve.transfer.nbd.NbdClient;
import io.varve.transfer.nbd.NbdException;
import io.varve.transfer.nbd.NotSentException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The export of another NBD server, such as qemu-nbd or nbdkit, through which any format works. As many requests are in
 * flight as threads call.
 *
 * <p>When the connection is lost, reads are asked again once there's another. A change isn't: the old server may still
 * make it, perhaps after a later one, so it fails with {@link UnknownOutcomeException}. And as the server may have died
 * with what it had acknowledged and not yet made durable, the first flush after such a loss fails.
 *
 * <p>Safe for any thread.
 */
public final class NbdBackend implements Backend {
    private static final Logger LOG = LoggerFactory.getLogger(NbdBackend.class);
    private static final int TRIES = 5;
    private static final int ZERO_BYTES = 1 << 20;
    private static final long STATUS_BYTES_MAX = 1L << 30;

    private final UpstreamConnection upstream;
    private final long sizeBytes;
    private final AtomicLong changesBegun = new AtomicLong();
    private final AtomicLong changesFlushed = new AtomicLong();
    private volatile boolean doubtful;

    /** A request that was sent; answers what came of it. */
    private interface Request<T> {
        T send(NbdClient client) throws IOException;
    }

    private NbdBackend(UpstreamConnection upstream, long sizeBytes) {
        this.upstream = upstream;
        this.sizeBytes = sizeBytes;
    }

    /**
     * Connects.
     *
     * @param reconnectDelay how long requests wait for a server that went away
     * @param nanos a clock that never goes back
     * @throws IOException in one sentence: no server, no such export, read-only, or a size that isn't whole sectors
     */
    public static NbdBackend open(NbdUri uri, BackendAccess access, Duration reconnectDelay, LongSupplier nanos)
            throws IOException {
        UpstreamConnection upstream = UpstreamConnection.open(uri, reconnectDelay, nanos);
        try {
            NbdClient client = upstream.client();
            if (access == BackendAccess.READ_WRITE && client.flags().contains(TransmissionFlag.READ_ONLY)) {
                throw new IOException(uri + " is read-only; serve it for writing");
            }
            if (client.sizeBytes() == 0 || client.sizeBytes() % FaultRules.SECTOR_BYTES != 0) {
                throw new IOException(
                        uri + " has " + client.sizeBytes() + " bytes, expected a positive multiple of 512");
            }
            return new NbdBackend(upstream, client.sizeBytes());
        } catch (IOException e) {
            upstream.close();
            throw e;
        }
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public void awaitServer(boolean isAwaited) {
        upstream.await(isAwaited);
    }

    @Override
    public boolean isRemote() {
        return true;
    }

    @Override
    public void read(long offsetBytes, ByteBuffer into) throws IOException {
        boolean _ = repeatable(client -> {
            client.read(offsetBytes, into);
            return true;
        });
    }

    /** What changes nothing may be asked twice. */
    private <T> T repeatable(Request<T> request) throws IOException {
        for (int tried = 1; ; tried++) {
            NbdClient client = upstream.client();
            try {
                return request.send(client);
            } catch (NbdException e) {
                throw answered(e);
            } catch (IOException e) {
                lost(client);
                if (tried == TRIES) {
                    throw e;
                }
            }
        }
    }

    /** Asks for a change once; again only while nothing of it was sent, as the connection had ended before. */
    private void change(String what, Request<Boolean> request) throws IOException {
        for (int tried = 1; !isChanged(what, request, tried == TRIES); tried++) {
            LOG.debug("{} waits for another connection to {}", what, upstream.uri());
        }
    }

    private boolean isChanged(String what, Request<Boolean> request, boolean isLastTry) throws IOException {
        NbdClient client = upstream.client();
        long before = changesBegun.getAndIncrement();
        try {
            return request.send(client);
        } catch (NotSentException e) {
            // This one isn't lost, but those before it may be.
            lost(client, before);
            if (isLastTry) {
                throw e;
            }
            return false;
        } catch (NbdException e) {
            throw answered(e);
        } catch (IOException e) {
            lost(client);
            throw new UnknownOutcomeException(
                    what + " may have been done or not, as the connection was lost: " + e.getMessage(), e);
        }
    }

    private void lost(NbdClient client) {
        lost(client, changesBegun.get());
    }

    private void lost(NbdClient client, long begun) {
        if (begun > changesFlushed.get()) {
            doubtful = true;
        }
        upstream.lost(client);
    }

    private static RequestFailedException answered(NbdException e) {
        RequestFailedException failed = new RequestFailedException(e.error(), String.valueOf(e.getMessage()));
        failed.initCause(e);
        return failed;
    }

    @Override
    public void write(long offsetBytes, ByteBuffer data) throws IOException {
        change("a write of " + data.remaining() + " bytes at " + offsetBytes, client -> {
            client.write(offsetBytes, data, Durability.CACHED);
            return true;
        });
    }

    @Override
    public void zero(long offsetBytes, long lengthBytes, ZeroMode mode) throws IOException {
        if (mode.mustBeFast()) {
            throw new RequestFailedException(
                    NbdError.ENOTSUP, upstream.uri() + " doesn't tell whether zeroing is fast");
        }
        if (mode.mayPunch() && upstream.client().flags().contains(TransmissionFlag.SEND_WRITE_ZEROES)) {
            change("zeroing " + lengthBytes + " bytes at " + offsetBytes, client -> {
                client.writeZeroes(offsetBytes, lengthBytes, Durability.CACHED);
                return true;
            });
            return;
        }
        ByteBuffer zeroes = ByteBuffer.allocate((int) Math.min(ZERO_BYTES, lengthBytes));
        for (long done = 0; done < lengthBytes; ) {
            zeroes.clear().limit((int) Math.min(ZERO_BYTES, lengthBytes - done));
            int pieceBytes = zeroes.remaining();
            write(offsetBytes + done, zeroes);
            done += pieceBytes;
        }
    }

    @Override
    public void trim(long offsetBytes, long lengthBytes) throws IOException {
        if (upstream.client().flags().contains(TransmissionFlag.SEND_TRIM)) {
            change("a trim of " + lengthBytes + " bytes at " + offsetBytes, client -> {
                client.trim(offsetBytes, lengthBytes, Durability.CACHED);
                return true;
            });
        }
    }

    @Override
    public void flush() throws IOException {
        boolean doubtfulBefore = doubtful;
        long begun = changesBegun.get();
        boolean _ = repeatable(client -> {
            if (client.flags().contains(TransmissionFlag.SEND_FLUSH)) {
                client.flush();
            }
            return true;
        });
        long _ = changesFlushed.accumulateAndGet(begun, Math::max);
        if (doubtfulBefore || doubtful) {
            // Flushes that ran at the same time are told, too.
            doubtful = false;
            throw new IOException("the connection to " + upstream.uri()
                    + " was lost since the last flush, so writes may be lost that it had acknowledged");
        }
    }

    @Override
    public List<StatusExtent> allocation(long offsetBytes, long lengthBytes, int extentsMax) throws IOException {
        List<StatusExtent> extents = new ArrayList<>();
        for (long done = 0; done < lengthBytes && extents.size() < extentsMax; ) {
            long fromBytes = offsetBytes + done;
            long pieceBytes = Math.min(STATUS_BYTES_MAX, lengthBytes - done);
            extents.addAll(repeatable(client -> status(client, fromBytes, pieceBytes)));
            done += pieceBytes;
        }
        return extents.subList(0, Math.min(extentsMax, extents.size()));
    }

    private static List<StatusExtent> status(NbdClient client, long offsetBytes, long lengthBytes) throws IOException {
        return client.metaContexts().contains(StatusExtent.BASE_ALLOCATION)
                ? client.blockStatus(StatusExtent.BASE_ALLOCATION, offsetBytes, lengthBytes)
                : List.of(new StatusExtent(lengthBytes, 0));
    }

    @Override
    public void close() {
        upstream.close();
    }
}
