package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.varve.formats.nbd.NbdAddress;
import io.varve.transfer.nbd.NbdSockets;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/** A client of a QMP server, for one thread; keeps the events that come between the replies. */
final class QmpClient implements AutoCloseable {
    private static final Duration TIMEOUT = Duration.ofSeconds(60);
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final SocketChannel channel;
    private final BlockingQueue<Optional<JsonNode>> incoming = new LinkedBlockingQueue<>();
    private final List<JsonNode> events = new ArrayList<>();
    private final JsonNode greeting;

    private QmpClient(SocketChannel channel) {
        this.channel = channel;
        Thread.ofPlatform().daemon().name("qmp-client").start(this::read);
        this.greeting = next().orElseThrow();
    }

    static QmpClient connect(NbdAddress address) throws IOException {
        return new QmpClient(NbdSockets.connect(address, TIMEOUT));
    }

    /** One that may give commands. */
    static QmpClient negotiated(NbdAddress address) throws IOException {
        QmpClient client = connect(address);
        assertTrue(client.send("{'execute': 'qmp_capabilities'}").has("return"));
        return client;
    }

    JsonNode greeting() {
        return greeting;
    }

    /** Sends a text, and waits for the next reply. */
    JsonNode send(String text) {
        sendOnly(text.getBytes(StandardCharsets.UTF_8));
        return reply();
    }

    void sendOnly(byte[] bytes) {
        try {
            ByteBuffer rest = ByteBuffer.wrap(bytes);
            while (rest.hasRemaining()) {
                channel.write(rest);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    JsonNode reply() {
        while (true) {
            JsonNode message = next().orElseThrow(() -> new AssertionError("disconnected instead of a reply"));
            if (!message.has("event")) {
                return message;
            }
            events.add(message);
        }
    }

    /** The value that a command returns. */
    JsonNode run(String text) {
        JsonNode reply = send(text);
        assertTrue(reply.has("return"), () -> reply + " to " + text);
        return reply.get("return");
    }

    /** The description of the error that a command is answered with. */
    String refused(String text) {
        JsonNode reply = send(text);
        assertTrue(reply.has("error"), () -> reply + " to " + text);
        return reply.get("error").get("desc").textValue();
    }

    /** The first such event that wasn't given out before; waits for it. */
    JsonNode event(Predicate<JsonNode> wanted) {
        for (Iterator<JsonNode> known = events.iterator(); known.hasNext(); ) {
            JsonNode event = known.next();
            if (wanted.test(event)) {
                known.remove();
                return event;
            }
        }
        while (true) {
            JsonNode message = next().orElseThrow(() -> new AssertionError("disconnected instead of an event"));
            if (wanted.test(message)) {
                return message;
            }
            events.add(message);
        }
    }

    /** Gives out none of the events that came so far. */
    void forgetEvents() {
        events.clear();
    }

    /** How a job ends. */
    JsonNode jobEnd(String job) {
        return event(event -> event.path("event").asText().matches("BLOCK_JOB_(COMPLETED|CANCELLED)")
                && event.path("data").path("device").asText().equals(job));
    }

    /** Waits until a job's id is free; gives nothing else out. */
    JsonNode gone(String job) {
        return event(event -> event.path("event").asText().equals("JOB_STATUS_CHANGE")
                && event.path("data").path("status").asText().equals("null")
                && event.path("data").path("id").asText().equals(job));
    }

    /** Everything that came and wasn't given out, once job {@code job} is gone. */
    List<JsonNode> eventsUntilGone(String job) {
        JsonNode gone = gone(job);
        List<JsonNode> all = new ArrayList<>(events);
        all.add(gone);
        events.clear();
        return all;
    }

    /** Whether the server disconnects, after whatever else it says. */
    boolean isDisconnected() {
        while (next().isPresent()) {
            // What came before the end.
        }
        return true;
    }

    /** Stops reading, for ever. */
    static SocketChannel deaf(NbdAddress address) throws IOException {
        return NbdSockets.connect(address, TIMEOUT);
    }

    private Optional<JsonNode> next() {
        try {
            Optional<JsonNode> message = incoming.poll(TIMEOUT.toSeconds(), TimeUnit.SECONDS);
            if (message == null) {
                throw new AssertionError("nothing came within " + TIMEOUT);
            }
            return message;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private void read() {
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(Channels.newInputStream(channel), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                incoming.add(Optional.of(MAPPER.readTree(line)));
            }
        } catch (IOException e) {
            // The connection was lost: so it's told below.
        }
        incoming.add(Optional.empty());
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
