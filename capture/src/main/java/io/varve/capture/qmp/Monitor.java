package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client of the QMP server. One thread reads and carries out its commands, one after the other; another writes to
 * it. Neither is ever interrupted: commands write to journals.
 */
final class Monitor {
    private static final Logger LOG = LoggerFactory.getLogger(Monitor.class);
    private static final int READ_BYTES = 16 * 1024;

    /** How long a client that has left, or is being left, may take to read the rest. */
    static final Duration LEAVE_TIMEOUT = Duration.ofSeconds(2);

    private final SocketChannel channel;
    private final String peer;
    private final Session session;
    private final Outbox outbox = new Outbox();
    private final JsonStream texts = new JsonStream();
    private final Thread writer;

    Monitor(SocketChannel channel, String peer, Session session) {
        this.channel = channel;
        this.peer = peer;
        this.session = session;
        this.writer = Thread.ofPlatform().daemon().name("qmp-write-" + peer).unstarted(this::write);
    }

    /** Serves until the client leaves. */
    void run(JsonNode greeting) {
        writer.start();
        try {
            tell(greeting);
            ByteBuffer buffer = ByteBuffer.allocate(READ_BYTES);
            while (channel.read(buffer) >= 0) {
                for (JsonStream.Text text : texts.take(buffer.flip())) {
                    answer(text);
                }
                buffer.clear();
            }
        } catch (ClosedChannelException e) {
            LOG.debug("qmp client {}: closed by this server", peer);
        } catch (IOException e) {
            LOG.info("qmp client {}: connection lost: {}", peer, e.getMessage());
        } catch (RuntimeException e) {
            LOG.error("qmp client {}: disconnected because of a bug", peer, e);
        } finally {
            finish(LEAVE_TIMEOUT);
        }
    }

    private void answer(JsonStream.Text text) {
        switch (text) {
            case JsonStream.Text.Broken(String reason) -> tell(Session.refusal(reason));
            case JsonStream.Text.Value(JsonNode request) -> {
                Session.Reply reply = session.answer(request);
                tell(reply.json());
                reply.afterwards().run();
            }
        }
    }

    /** Tells an event, if the client wants any yet. */
    void event(byte[] line) {
        if (session.isNegotiated()) {
            tell(line);
        }
    }

    private void tell(JsonNode json) {
        tell(JsonText.line(json));
    }

    private void tell(byte[] line) {
        if (!outbox.offer(line)) {
            drop();
        }
    }

    /** The client doesn't read what it's told: others mustn't wait for it, nor memory run out. */
    private void drop() {
        if (channel.isOpen()) {
            LOG.warn("qmp client {}: disconnected: it left more than {} bytes unread", peer, Outbox.BYTES_MAX);
        }
        outbox.end();
        close();
    }

    /** Takes nothing more to tell. */
    void end() {
        outbox.end();
    }

    /** Tells what's left to tell, then disconnects. */
    void finish(Duration timeout) {
        end();
        try {
            // One that was admitted a moment ago may not have begun.
            boolean _ = writer.getState() == Thread.State.NEW || writer.join(timeout);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        close();
    }

    private void write() {
        try {
            for (Optional<byte[]> line = outbox.take(); line.isPresent(); line = outbox.take()) {
                ByteBuffer bytes = ByteBuffer.wrap(line.get());
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException e) {
            LOG.debug("qmp client {}: can't be written to: {}", peer, e.getMessage());
        } finally {
            outbox.end();
            close();
        }
    }

    private void close() {
        try {
            channel.close();
        } catch (IOException e) {
            LOG.debug("qmp client {}: close failed: {}", peer, e.getMessage());
        }
    }
}
