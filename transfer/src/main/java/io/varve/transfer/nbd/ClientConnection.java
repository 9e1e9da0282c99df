package io.varve.transfer.nbd;

import io.varve.formats.nbd.ClientHandshake;
import io.varve.formats.nbd.ClientHandshake.Step;
import io.varve.formats.nbd.NbdAddress;
import io.varve.formats.nbd.NbdRequest;
import io.varve.formats.nbd.NbdSession;
import io.varve.formats.nbd.NbdUri;
import io.varve.formats.nbd.StatusExtent;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import javax.net.ssl.SSLContext;

/**
 * One connection to a server: the sending side for any thread, and the reader's thread.
 *
 * <p>Every accepted request ends: by its reply, or by the end of the connection.
 */
final class ClientConnection implements ReplyReader.Requests {
    private final NbdUri uri;
    private final SocketChannel socket;
    private final Optional<SSLContext> tls;
    private final Semaphore inFlight;
    private final Map<Long, PendingRequest> pending = new ConcurrentHashMap<>();
    private final AtomicLong cookies = new AtomicLong();
    private final ReentrantLock sending = new ReentrantLock();
    private final ByteBuffer head = ByteBuffer.allocateDirect(NbdRequest.HEADER_BYTES); // Guarded by sending.
    private final ReplyReader replies;
    private volatile ByteChannel channel; // The socket, or TLS over it.
    private volatile Optional<IOException> ended = Optional.empty();

    /** @param tls for the encryption that's to be begun, if any */
    ClientConnection(NbdUri uri, SocketChannel socket, Optional<SSLContext> tls, int inFlightMax) {
        this.uri = uri;
        this.socket = socket;
        this.tls = tls;
        this.channel = socket;
        this.inFlight = new Semaphore(inFlightMax);
        this.replies = new ReplyReader(socket, this);
    }

    /** Starts the reader's thread, which first does the handshake. */
    CompletableFuture<NbdSession> start(ClientHandshake handshake) {
        CompletableFuture<NbdSession> session = new CompletableFuture<>();
        Thread.ofPlatform().daemon().name("nbd-client-" + uri.exportName()).start(() -> run(handshake, session));
        return session;
    }

    private void run(ClientHandshake handshake, CompletableFuture<NbdSession> session) {
        try {
            session.complete(handshake(handshake));
            replies.run();
        } catch (NoSuchExportException e) {
            end(e);
            session.completeExceptionally(e);
        } catch (IOException e) {
            IOException reason = new IOException("connection to " + uri + " ended: " + e.getMessage(), e);
            end(reason);
            session.completeExceptionally(reason);
        }
    }

    private NbdSession handshake(ClientHandshake handshake) throws IOException {
        while (true) {
            switch (handshake.advance(replies.buffer())) {
                case Step.NeedMore _ -> replies.receive();
                case Step.Send(ByteBuffer bytes) -> send(bytes);
                case Step.Encrypt(ByteBuffer bytes) -> {
                    encrypt();
                    send(bytes);
                }
                case Step.Entered(NbdSession session) -> {
                    return session;
                }
                case Step.Refused(String reason) -> throw new IOException(reason);
                case Step.NoSuchExport(String reason) -> throw new NoSuchExportException(uri + ": " + reason);
                case Step.Malformed(String reason) -> throw new IOException(reason);
            }
        }
    }

    private void encrypt() throws IOException {
        String host = uri.address() instanceof NbdAddress.Tcp tcp ? tcp.host() : "localhost";
        channel = TlsChannel.connect(socket, tls.orElseThrow(), host);
        replies.encrypt(channel);
    }

    long nextCookie() {
        return cookies.incrementAndGet();
    }

    /** Sends a request, as soon as there are few enough in flight. */
    CompletableFuture<List<StatusExtent>> submit(PendingRequest request, ByteBuffer payload) {
        inFlight.acquireUninterruptibly();
        if (ended.isPresent()) {
            inFlight.release();
            return CompletableFuture.failedFuture(
                    new NotSentException(String.valueOf(ended.get().getMessage())));
        }
        pending.put(request.request().cookie(), request);
        try {
            sending.lock();
            try {
                request.request().encode(head.clear());
                send(head.flip());
                send(payload);
            } finally {
                sending.unlock();
            }
        } catch (IOException e) {
            end(new IOException("connection to " + uri + " ended: " + e.getMessage(), e));
        }
        // Whoever ended the connection before the request was registered didn't see it.
        ended.ifPresent(reason -> fail(request, reason));
        return request.future();
    }

    private void send(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    @Override
    public Optional<PendingRequest> find(long cookie) {
        return Optional.ofNullable(pending.get(cookie));
    }

    @Override
    public void finished(PendingRequest request) {
        if (pending.remove(request.request().cookie()) != null) {
            inFlight.release();
            request.finish();
        }
    }

    private void fail(PendingRequest request, IOException reason) {
        if (pending.remove(request.request().cookie()) != null) {
            inFlight.release();
            request.future().completeExceptionally(reason);
        }
    }

    /** Waits for a result; gives the connection up when it doesn't come in time. */
    <T> T await(CompletableFuture<T> result, Duration timeout, String what) throws IOException {
        try {
            return result.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw failure(Optional.ofNullable(e.getCause()).orElse(e));
        } catch (TimeoutException e) {
            IOException late = new IOException(uri + " gave no answer to " + what + " within " + timeout, e);
            end(late);
            throw late;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while waiting for " + what + " of " + uri);
        }
    }

    /** The failure as this thread's own, so that its stack trace tells who asked. */
    private IOException failure(Throwable cause) {
        return switch (cause) {
            case NbdException known -> new NbdException(known.error(), uri + ": " + known.getMessage());
            case NotSentException known -> new NotSentException(String.valueOf(known.getMessage()));
            case NoSuchExportException known -> new NoSuchExportException(String.valueOf(known.getMessage()));
            default -> new IOException(cause.getMessage(), cause);
        };
    }

    /** Tells the server, if it listens, and disconnects. */
    void leave(NbdRequest disconnect) {
        if (ended.isEmpty() && sending.tryLock()) {
            try {
                disconnect.encode(head.clear());
                send(head.flip());
                channel.close();
            } catch (IOException e) {
                end(e);
            } finally {
                sending.unlock();
            }
        }
        end(new IOException("connection to " + uri + " was closed by this client"));
    }

    private void end(IOException reason) {
        synchronized (this) {
            if (ended.isEmpty()) {
                ended = Optional.of(reason);
            }
        }
        try {
            // The socket alone: to end the encryption in order could take a server that listens.
            socket.close();
        } catch (IOException e) {
            reason.addSuppressed(e);
        }
        pending.values().forEach(request -> fail(request, ended.orElse(reason)));
    }
}
