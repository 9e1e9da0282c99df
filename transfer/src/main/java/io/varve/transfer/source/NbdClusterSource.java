package io.varve.transfer.source;

import io.varve.core.bits.Extent;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.core.id.BitmapName;
import io.varve.formats.nbd.NbdError;
import io.varve.formats.nbd.NbdUri;
import io.varve.formats.nbd.StatusExtent;
import io.varve.formats.nbd.TransmissionFlag;
import io.varve.transfer.nbd.NbdClient;
import io.varve.transfer.nbd.NbdClientOptions;
import io.varve.transfer.nbd.NbdException;
import io.varve.transfer.nbd.NoSuchExportException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An NBD export that doesn't change while it's copied: a snapshot. Read by several connections, if the server offers
 * that to one client, with many requests in flight on each.
 *
 * <p>Every read ends: by its answer, by the end of its connection, or because the server answered nothing for the stall
 * timeout; then all of them end, and all further ones fail. Safe for any thread.
 */
public final class NbdClusterSource implements ClusterSource {
    private static final Logger LOG = LoggerFactory.getLogger(NbdClusterSource.class);
    private static final int IN_FLIGHT_MAX = 16;

    /** So much is asked of a bitmap at once, which bounds the extents in memory. */
    private static final long BITMAP_WINDOW_BYTES = 1L << 30;

    private final NbdUri uri;
    private final NbdSourceOptions options;
    private final List<NbdClient> clients;
    private final StallWatch watch;
    private final AtomicInteger reads = new AtomicInteger();
    private volatile Optional<NbdError> serverError = Optional.empty();
    private volatile boolean stalled;

    private NbdClusterSource(NbdUri uri, NbdSourceOptions options, List<NbdClient> clients) {
        this.uri = uri;
        this.options = options;
        this.clients = List.copyOf(clients);
        watch = new StallWatch(uri.exportName(), options.stallTimeout(), this::stall);
    }

    /**
     * Connects to an export.
     *
     * @param bitmap that {@link #dirty} will be asked for
     * @throws NoSuchExportException when there is a server, but no such export
     * @throws IOException in one sentence: no server, not an NBD server, or no answer in time
     */
    public static NbdClusterSource open(NbdUri uri, Optional<BitmapName> bitmap, NbdSourceOptions options)
            throws IOException {
        List<String> contexts = new ArrayList<>();
        contexts.add(StatusExtent.BASE_ALLOCATION);
        bitmap.ifPresent(name -> contexts.add(context(name)));
        NbdClientOptions bounds =
                new NbdClientOptions(options.connectTimeout(), options.stallTimeout(), IN_FLIGHT_MAX, options.tls());
        List<NbdClient> clients = new ArrayList<>();
        clients.add(NbdClient.connect(uri, contexts, bounds));
        if (clients.getFirst().flags().contains(TransmissionFlag.CAN_MULTI_CONN)) {
            addConnections(uri, options.connections(), clients, bounds);
        }
        return new NbdClusterSource(uri, options, clients);
    }

    /** Speed only: without them the first one does it all. */
    private static void addConnections(NbdUri uri, int count, List<NbdClient> clients, NbdClientOptions bounds) {
        try {
            while (clients.size() < count) {
                NbdClient further = NbdClient.connect(uri, List.of(StatusExtent.BASE_ALLOCATION), bounds);
                if (further.sizeBytes() != clients.getFirst().sizeBytes()) {
                    further.close();
                    return;
                }
                clients.add(further);
            }
        } catch (IOException e) {
            LOG.debug("{} gives {} of {} connections: {}", uri, clients.size(), count, e.getMessage());
        }
    }

    private static String context(BitmapName bitmap) {
        return StatusExtent.DIRTY_BITMAP_PREFIX + bitmap;
    }

    @Override
    public long sizeBytes() {
        return clients.getFirst().sizeBytes();
    }

    @Override
    public String describe() {
        return uri.toString();
    }

    /** How many connections are open. */
    public int connections() {
        return clients.size();
    }

    /**
     * The first error that the server answered to a request; empty while there is none, also when the connection was
     * lost. It tells a broken or removed snapshot from a broken line.
     */
    public Optional<NbdError> serverError() {
        return serverError;
    }

    @Override
    public CompletableFuture<Void> read(long offsetBytes, ByteBuffer into) {
        NbdClient client = clients.get(Math.floorMod(reads.getAndIncrement(), clients.size()));
        watch.asked();
        return client.readAsync(offsetBytes, into).handle((_, failure) -> {
            watch.answered();
            if (failure != null) {
                throw new CompletionException(explained(failure));
            }
            return null;
        });
    }

    @Override
    public List<Extent> zeros(Extent range) throws IOException {
        if (!clients.getFirst().metaContexts().contains(StatusExtent.BASE_ALLOCATION)) {
            return List.of();
        }
        return extents(StatusExtent.BASE_ALLOCATION, StatusExtent.ZERO, range);
    }

    /**
     * What the export's dirty bitmap holds, or empty when it isn't offered.
     *
     * @param bitmap the one that this was opened with
     * @param granularity of the marks
     */
    public Optional<Marks> dirty(BitmapName bitmap, Granularity granularity) throws IOException {
        String context = context(bitmap);
        if (!clients.getFirst().metaContexts().contains(context)) {
            return Optional.empty();
        }
        Marks marks = Marks.none(granularity, sizeBytes());
        for (long offset = 0; offset < sizeBytes(); offset += BITMAP_WINDOW_BYTES) {
            Extent window = new Extent(offset, Math.min(BITMAP_WINDOW_BYTES, sizeBytes() - offset));
            extents(context, StatusExtent.DIRTY, window).forEach(marks::mark);
        }
        return Optional.of(marks);
    }

    /** The parts of a range that have a flag in a context. */
    private List<Extent> extents(String context, int flag, Extent range) throws IOException {
        List<Extent> found = new ArrayList<>();
        long position = range.offsetBytes();
        try {
            for (StatusExtent status :
                    clients.getFirst().blockStatus(context, range.offsetBytes(), range.lengthBytes())) {
                if ((status.flags() & flag) != 0) {
                    found.add(new Extent(position, status.lengthBytes()));
                }
                position += status.lengthBytes();
            }
            return found;
        } catch (NbdException e) {
            answered(e);
            throw e;
        }
    }

    private IOException explained(Throwable failure) {
        Throwable cause = failure instanceof CompletionException ? cause(failure) : failure;
        if (cause instanceof NbdException e) {
            answered(e);
            return e;
        }
        if (stalled) {
            return new IOException(uri + " answered nothing for " + options.stallTimeout(), cause);
        }
        return cause instanceof IOException e ? e : new IOException(cause.toString(), cause);
    }

    private static Throwable cause(Throwable failure) {
        @Nullable Throwable cause = failure.getCause();
        return cause == null ? failure : cause;
    }

    private void answered(NbdException e) {
        if (serverError.isEmpty()) {
            serverError = Optional.of(e.error());
        }
    }

    private void stall() {
        stalled = true;
        clients.forEach(NbdClient::close);
    }

    @Override
    public void close() {
        watch.close();
        clients.forEach(NbdClient::close);
    }
}
