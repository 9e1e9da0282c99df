package io.varve.transfer.nbd;

import io.varve.formats.nbd.ClientHandshake;
import io.varve.formats.nbd.ClientHandshake.Encryption;
import io.varve.formats.nbd.NbdAddress;
import io.varve.formats.nbd.NbdCommand;
import io.varve.formats.nbd.NbdLimits;
import io.varve.formats.nbd.NbdRequest;
import io.varve.formats.nbd.NbdSession;
import io.varve.formats.nbd.NbdUri;
import io.varve.formats.nbd.NegotiatedContext;
import io.varve.formats.nbd.StatusExtent;
import io.varve.formats.nbd.TransmissionFlag;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import javax.net.ssl.SSLContext;

/**
 * A client of one export on one connection, with many requests in flight.
 *
 * <p>Safe for any thread. Every request has a form that blocks and one that answers a future; when as many requests are
 * in flight as are allowed, both wait for one to end. Futures end on the connection's reader thread: what's chained to
 * them must not block. They fail with {@link NbdException} when the server answers an error, and with another
 * {@link IOException} when the connection is lost; then every further request fails too.
 */
public final class NbdClient implements AutoCloseable {
    /** The longest READ or WRITE. */
    public static final int REQUEST_BYTES_MAX = NbdLimits.REQUEST_BYTES_MAX;

    private static final int NO_CONTEXT = -1;
    private static final long STATUS_BYTES_MAX = 1L << 31;
    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    private final NbdUri uri;
    private final NbdClientOptions options;
    private final NbdSession session;
    private final ClientConnection connection;

    private NbdClient(NbdUri uri, NbdClientOptions options, NbdSession session, ClientConnection connection) {
        this.uri = uri;
        this.options = options;
        this.session = session;
        this.connection = connection;
    }

    /**
     * Connects and enters an export.
     *
     * @param contexts the meta contexts that {@link #blockStatus} will be asked for; those that the server hasn't got
     *     are missing from {@link #metaContexts()}
     * @throws NoSuchExportException when the server has no such export
     * @throws IOException in one sentence: no server, not an NBD server, no encryption where that's demanded, or no
     *     answer in time
     */
    public static NbdClient connect(NbdUri uri, List<String> contexts, NbdClientOptions options) throws IOException {
        Optional<SSLContext> tls = tls(uri, options);
        SocketChannel channel = NbdSockets.connect(uri.address(), options.connectTimeout());
        ClientConnection connection = new ClientConnection(uri, channel, tls, options.inFlightMax());
        try {
            ClientHandshake handshake = new ClientHandshake(
                    uri.exportName(), contexts, tls.isPresent() ? Encryption.DEMANDED : Encryption.NONE);
            NbdSession session =
                    connection.await(connection.start(handshake), options.connectTimeout(), "the handshake");
            return new NbdClient(uri, options, session, connection);
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    private static Optional<SSLContext> tls(NbdUri uri, NbdClientOptions options) throws IOException {
        if (uri.tlsCertificates().isPresent()) {
            return Optional.of(
                    TlsCredentials.client(Path.of(uri.tlsCertificates().get())));
        }
        return uri.address() instanceof NbdAddress.Tcp ? options.tls() : Optional.empty();
    }

    public long sizeBytes() {
        return session.export().sizeBytes();
    }

    public Set<TransmissionFlag> flags() {
        return session.export().flags();
    }

    /** Those of the wanted meta contexts that the server has. */
    public List<String> metaContexts() {
        return session.contexts().stream().map(NegotiatedContext::name).toList();
    }

    /** Fills {@code into} from {@code offsetBytes}; at most {@link #REQUEST_BYTES_MAX}. */
    public void read(long offsetBytes, ByteBuffer into) throws IOException {
        await(readAsync(offsetBytes, into), "READ");
        into.position(into.limit());
    }

    /** As {@link #read}; {@code into}'s position stays, and its content belongs to this client until the end. */
    public CompletableFuture<Void> readAsync(long offsetBytes, ByteBuffer into) {
        ByteBuffer part = into.slice();
        return submit(request(NbdCommand.READ, 0, offsetBytes, part.capacity()), NOTHING, part);
    }

    /** Writes what remains of {@code data}; at most {@link #REQUEST_BYTES_MAX}. */
    public void write(long offsetBytes, ByteBuffer data, Durability durability) throws IOException {
        await(writeAsync(offsetBytes, data, durability), "WRITE");
        data.position(data.limit());
    }

    /** As {@link #write}; {@code data}'s position stays. It's sent when this returns. */
    public CompletableFuture<Void> writeAsync(long offsetBytes, ByteBuffer data, Durability durability) {
        ByteBuffer payload = data.slice();
        return submit(
                request(NbdCommand.WRITE, flagsOf(durability), offsetBytes, payload.capacity()), payload, NOTHING);
    }

    /** Makes a range zero; the server may punch a hole. */
    public void writeZeroes(long offsetBytes, long lengthBytes, Durability durability) throws IOException {
        NbdRequest request = request(NbdCommand.WRITE_ZEROES, flagsOf(durability), offsetBytes, lengthBytes);
        await(submit(request, NOTHING, NOTHING), "WRITE_ZEROES");
    }

    public void trim(long offsetBytes, long lengthBytes, Durability durability) throws IOException {
        NbdRequest request = request(NbdCommand.TRIM, flagsOf(durability), offsetBytes, lengthBytes);
        await(submit(request, NOTHING, NOTHING), "TRIM");
    }

    /** Makes all that was completed before durable. */
    public void flush() throws IOException {
        await(flushAsync(), "FLUSH");
    }

    public CompletableFuture<Void> flushAsync() {
        return submit(request(NbdCommand.FLUSH, 0, 0, 0), NOTHING, NOTHING);
    }

    /**
     * The whole range's extents in a meta context, in order and without gaps, clipped to the range; asks as often as it
     * takes.
     *
     * @param context one of {@link #metaContexts()}
     */
    public List<StatusExtent> blockStatus(String context, long offsetBytes, long lengthBytes) throws IOException {
        int contextId = session.contexts().stream()
                .filter(negotiated -> negotiated.name().equals(context))
                .findFirst()
                .orElseThrow(() -> new IOException("meta context '" + context + "' isn't offered by " + uri))
                .id();
        List<StatusExtent> extents = new ArrayList<>();
        long position = offsetBytes;
        long endBytes = offsetBytes + lengthBytes;
        while (position < endBytes) {
            NbdRequest request =
                    request(NbdCommand.BLOCK_STATUS, 0, position, Math.min(endBytes - position, STATUS_BYTES_MAX));
            List<StatusExtent> answer =
                    await(connection.submit(new PendingRequest(request, NOTHING, contextId), NOTHING), "BLOCK_STATUS");
            if (answer.isEmpty()) {
                throw new IOException(uri + " told nothing about context '" + context + "' at " + position);
            }
            for (StatusExtent extent : answer) {
                long clippedBytes = Math.min(extent.lengthBytes(), endBytes - position);
                if (clippedBytes > 0) {
                    extents.add(new StatusExtent(clippedBytes, extent.flags()));
                    position += clippedBytes;
                }
            }
        }
        return extents;
    }

    /** Takes leave and disconnects; requests in flight fail. */
    @Override
    public void close() {
        connection.leave(request(NbdCommand.DISC, 0, 0, 0));
    }

    private NbdRequest request(NbdCommand command, int flags, long offsetBytes, long lengthBytes) {
        if (lengthBytes > REQUEST_BYTES_MAX && (command == NbdCommand.READ || command == NbdCommand.WRITE)) {
            throw new IllegalArgumentException(
                    command + " of " + lengthBytes + " bytes, at most " + REQUEST_BYTES_MAX + " are possible");
        }
        return new NbdRequest(flags, command, connection.nextCookie(), offsetBytes, lengthBytes);
    }

    private CompletableFuture<Void> submit(NbdRequest request, ByteBuffer payload, ByteBuffer into) {
        return connection
                .submit(new PendingRequest(request, into, NO_CONTEXT), payload)
                .thenApply(_ -> null);
    }

    private <T> T await(CompletableFuture<T> result, String what) throws IOException {
        return connection.await(result, options.requestTimeout(), what);
    }

    private static int flagsOf(Durability durability) {
        return switch (durability) {
            case CACHED -> 0;
            case DURABLE -> NbdRequest.FLAG_FUA;
        };
    }
}
