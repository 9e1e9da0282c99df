package io.varve.capture.nbd;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What a connection sends. Replies that are ready at once are gathered in one direct buffer by the connection's thread;
 * late ones are sent by others, each from a buffer of its own. Each send holds the socket's lock and consists of whole
 * messages.
 */
final class Outbox {
    static final int CAPACITY_BYTES = 512 * 1024;

    /** So much of data goes out at once, so that the client works on it while the next is made ready. */
    static final int EAGER_BYTES = 64 * 1024;

    private ByteChannel channel; // Changes before there are other threads.
    private final ReentrantLock socket;
    private final ByteBuffer gathered = ByteBuffer.allocateDirect(CAPACITY_BYTES);

    Outbox(ByteChannel channel) {
        this(channel, new ReentrantLock());
    }

    private Outbox(ByteChannel channel, ReentrantLock socket) {
        this.channel = channel;
        this.socket = socket;
    }

    /** An outbox for another thread that answers this client. */
    Outbox forAnotherThread() {
        return new Outbox(channel, socket);
    }

    /** Whether nothing is gathered. Thread: the connection's only. */
    boolean isEmpty() {
        return gathered.position() == 0;
    }

    /** Sends what's gathered if it's much. Thread: the connection's only. */
    void flushMuch() throws IOException {
        if (gathered.position() >= EAGER_BYTES) {
            flush();
        }
    }

    /** Disconnects the client. Safe for any thread. */
    void disconnect() throws IOException {
        channel.close();
    }

    /** Sends to {@code encrypted} from now on. Thread: the connection's only, while no other sends. */
    void encrypt(ByteChannel encrypted) {
        channel = encrypted;
    }

    /** The gathering buffer, with room for {@code lengthBytes}. Thread: the connection's only. */
    ByteBuffer room(int lengthBytes) throws IOException {
        if (gathered.remaining() < lengthBytes) {
            flush();
        }
        return gathered;
    }

    /** Sends what's gathered. Thread: the connection's only. */
    void flush() throws IOException {
        if (gathered.position() > 0) {
            send(gathered.flip());
            gathered.clear();
        }
    }

    /** Sends whole messages now, whatever is gathered. Safe for any thread. */
    void send(ByteBuffer messages) throws IOException {
        socket.lock();
        try {
            while (messages.hasRemaining()) {
                channel.write(messages);
            }
        } finally {
            socket.unlock();
        }
    }

    /** Keeps others from sending until {@link #endLongMessage()}: a message is being sent in parts. */
    void beginLongMessage() {
        socket.lock();
    }

    void endLongMessage() {
        socket.unlock();
    }
}
