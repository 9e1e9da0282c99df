package io.varve.transfer.nbd;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.concurrent.locks.ReentrantLock;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLEngineResult.Status;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLParameters;

/**
 * A socket with TLS over it; both sides must show a certificate, and the server's must be its host's.
 *
 * <p>Thread: one reads, any write, one at a time: the lock keeps an answer of the engine's own (a key update) from
 * getting between the records of a write. The engine lets one thread encrypt while another decrypts.
 */
public final class TlsChannel implements ByteChannel {
    /** Records that are encrypted before they're written: a reply of 256 KiB takes two writes. */
    private static final int RECORDS_A_WRITE = 8;

    private static final Duration GOODBYE_MAX = Duration.ofSeconds(1);
    private static final String OLD_PROTOCOL = "TLSv1.2";
    /** A session isn't resumed, so no port is needed to know it by. */
    private static final int NO_PORT = -1;

    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    private final SocketChannel channel;
    private final SSLEngine engine;
    private final String peer;
    private final ReentrantLock writing = new ReentrantLock();
    private final ByteBuffer received; // Encrypted, from position to limit. The reader's.
    private final ByteBuffer decrypted; // What had no room with the caller. The reader's.
    private final ByteBuffer encrypted; // Guarded by the lock.
    private boolean established; // The reader's.

    private TlsChannel(SocketChannel channel, SSLEngine engine, String peer) {
        this.channel = channel;
        this.engine = engine;
        this.peer = peer;
        int packetBytes = engine.getSession().getPacketBufferSize();
        this.received = ByteBuffer.allocateDirect(RECORDS_A_WRITE * packetBytes).limit(0);
        this.decrypted = ByteBuffer.allocate(engine.getSession().getApplicationBufferSize())
                .limit(0);
        this.encrypted = ByteBuffer.allocateDirect(RECORDS_A_WRITE * packetBytes);
    }

    /**
     * Encrypts a connection that came in; blocks until the client is known.
     *
     * @throws SSLException in one sentence, when the client doesn't speak TLS or isn't trusted
     */
    public static TlsChannel accept(SocketChannel channel, SSLContext context) throws IOException {
        SSLEngine engine = context.createSSLEngine();
        engine.setUseClientMode(false);
        SSLParameters parameters = parameters(engine);
        parameters.setNeedClientAuth(true);
        engine.setSSLParameters(parameters);
        return begun(new TlsChannel(channel, engine, "client"));
    }

    /**
     * Encrypts a connection that this side made; blocks until the server is known.
     *
     * @param host whom the server's certificate must name
     * @throws SSLException in one sentence, when the server doesn't speak TLS or isn't trusted
     */
    public static TlsChannel connect(SocketChannel channel, SSLContext context, String host) throws IOException {
        SSLEngine engine = context.createSSLEngine(host, NO_PORT);
        engine.setUseClientMode(true);
        SSLParameters parameters = parameters(engine);
        // The rules by which a certificate names a host (RFC 2818), which aren't of that protocol alone.
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        engine.setSSLParameters(parameters);
        return begun(new TlsChannel(channel, engine, "server"));
    }

    private static SSLParameters parameters(SSLEngine engine) {
        SSLParameters parameters = engine.getSSLParameters();
        parameters.setProtocols(new String[] {"TLSv1.3", OLD_PROTOCOL});
        return parameters;
    }

    private static TlsChannel begun(TlsChannel encrypted) throws IOException {
        try {
            encrypted.engine.beginHandshake();
            encrypted.shakeHands();
            encrypted.established = true;
        } catch (SSLException e) {
            encrypted.tellAlert();
            throw new SSLException("no encryption could be agreed on: " + e.getMessage(), e);
        }
        return encrypted;
    }

    private void shakeHands() throws IOException {
        HandshakeStatus status = engine.getHandshakeStatus();
        while (status != HandshakeStatus.NOT_HANDSHAKING && status != HandshakeStatus.FINISHED) {
            switch (status) {
                case NEED_TASK -> runTasks();
                case NEED_WRAP -> write(NOTHING.duplicate());
                case NEED_UNWRAP, NEED_UNWRAP_AGAIN -> {
                    if (!unwrapped(decrypted.clear())) {
                        throw new SSLHandshakeException("the " + peer + " went away");
                    }
                    decrypted.flip();
                }
                case NOT_HANDSHAKING, FINISHED -> throw new IllegalStateException("a handshake that has ended");
            }
            status = engine.getHandshakeStatus();
        }
    }

    private void runTasks() {
        for (Runnable task = engine.getDelegatedTask(); task != null; task = engine.getDelegatedTask()) {
            task.run();
        }
    }

    @Override
    public int read(ByteBuffer into) throws IOException {
        int start = into.position();
        while (into.position() == start) {
            if (!decrypted.hasRemaining() && !decrypt(into)) {
                return -1;
            }
            if (decrypted.hasRemaining()) {
                int count = Math.min(decrypted.remaining(), into.remaining());
                into.put(decrypted.slice(decrypted.position(), count));
                decrypted.position(decrypted.position() + count);
            }
        }
        return into.position() - start;
    }

    /** Decrypts a record at least, and all that are there, to {@code into} when it has room; false at the end. */
    private boolean decrypt(ByteBuffer into) throws IOException {
        if (into.remaining() < decrypted.capacity()) {
            boolean more = unwrapped(decrypted.clear());
            decrypted.flip();
            return more;
        }
        int start = into.position();
        boolean more = unwrapped(into);
        while (more && into.position() > start && received.hasRemaining() && into.remaining() >= decrypted.capacity()) {
            if (unwrap(into).getStatus() != Status.OK) {
                return true; // What ended the stream will do so again.
            }
        }
        return more;
    }

    /** Decrypts one record, and receives before as often as it takes; false at the end of the stream. */
    private boolean unwrapped(ByteBuffer into) throws IOException {
        while (true) {
            switch (unwrap(into).getStatus()) {
                case OK -> {
                    return true;
                }
                case CLOSED -> {
                    return false;
                }
                case BUFFER_OVERFLOW -> throw new SSLException("a record longer than the protocol allows");
                case BUFFER_UNDERFLOW -> {
                    received.compact();
                    int count = channel.read(received);
                    received.flip();
                    if (count < 0) {
                        return false;
                    }
                }
            }
        }
    }

    private SSLEngineResult unwrap(ByteBuffer into) throws IOException {
        SSLEngineResult result = engine.unwrap(received, into);
        if (result.getHandshakeStatus() == HandshakeStatus.NEED_TASK) {
            if (established && OLD_PROTOCOL.equals(engine.getSession().getProtocol())) {
                // Costly, of no use, and gone from the protocol since.
                throw new SSLException("the " + peer + " wants to negotiate the encryption again");
            }
            runTasks();
        }
        if (result.getStatus() == Status.OK && engine.getHandshakeStatus() == HandshakeStatus.NEED_WRAP) {
            write(NOTHING.duplicate());
        }
        return result;
    }

    /** Encrypts and sends all that remains of {@code source}; with nothing in it, what the engine has to say. */
    @Override
    public int write(ByteBuffer source) throws IOException {
        int count = source.remaining();
        writing.lock();
        try {
            do {
                encrypted.clear();
                fill(source);
                encrypted.flip();
                while (encrypted.hasRemaining()) {
                    channel.write(encrypted);
                }
            } while (source.hasRemaining());
        } finally {
            writing.unlock();
        }
        return count;
    }

    private void fill(ByteBuffer source) throws IOException {
        int packetBytes = encrypted.capacity() / RECORDS_A_WRITE;
        do {
            SSLEngineResult result = engine.wrap(source, encrypted);
            if (result.getStatus() == Status.CLOSED && source.hasRemaining()) {
                throw new SSLException("the " + peer + " has ended the encryption");
            }
            if (source.hasRemaining() && result.bytesConsumed() == 0 && result.bytesProduced() == 0) {
                throw new SSLException("the encryption makes no progress: " + result.getHandshakeStatus());
            }
        } while (source.hasRemaining() && encrypted.remaining() >= packetBytes);
    }

    /** Tells the peer why there is no encryption, as far as it still listens. */
    private void tellAlert() {
        try {
            write(NOTHING.duplicate());
        } catch (IOException e) {
            // It's disconnected anyway.
            return;
        }
    }

    @Override
    public boolean isOpen() {
        return channel.isOpen();
    }

    /**
     * Ends the encryption, unless somebody is writing, and closes the socket. A client that takes nothing any more
     * isn't waited for: whoever closes has others to care for.
     */
    @Override
    public void close() throws IOException {
        try (channel) {
            if (channel.isOpen()) {
                Thread.ofVirtual().name("nbd-goodbye").start(this::sayGoodbye).join(GOODBYE_MAX);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void sayGoodbye() {
        if (!writing.tryLock()) {
            return;
        }
        try {
            engine.closeOutbound();
            write(NOTHING.duplicate());
        } catch (IOException e) {
            // It has gone, or was closed as it took too long.
            return;
        } finally {
            writing.unlock();
        }
    }
}
