package io.varve.cli.qmp;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.formats.nbd.NbdAddress;
import io.varve.transfer.nbd.NbdSockets;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A connection to a QMP server (QEMU's qmp-spec.txt): JSON, a line each, a greeting first, then
 * {@code qmp_capabilities}, then commands with ids. Events come in between; {@link #awaitEvent} tells that one came.
 *
 * <p>One command at a time. Thread: its owner's only; a thread of its own reads.
 */
public final class QmpClient implements AutoCloseable {

    private static final JsonMapper JSON = new JsonMapper();

    private final NbdAddress address;
    private final SocketChannel channel;
    private final Duration patience;
    private final Consumer<ObjectNode> listener;
    private final CompletableFuture<JsonNode> greeting = new CompletableFuture<>();
    private final Semaphore events = new Semaphore(0);
    private volatile CompletableFuture<JsonNode> reply = new CompletableFuture<>();
    private volatile Optional<IOException> broken = Optional.empty();
    private int commands;

    private QmpClient(NbdAddress address, SocketChannel channel, Duration patience, Consumer<ObjectNode> listener) {
        this.listener = listener;
        this.address = address;
        this.channel = channel;
        this.patience = patience;
    }

    /**
     * Connects and takes the capabilities.
     *
     * @param address {@code unix:PATH} or {@code HOST:PORT}
     * @param patience for the connection, the greeting, and each reply
     * @throws IOException in one sentence
     */
    public static QmpClient connect(NbdAddress address, Duration patience) throws IOException, InterruptedException {
        return connect(address, patience, event -> {});
    }

    /**
     * The same, for one who wants to see events.
     *
     * @param listener told each event as it comes, on a thread of this client; must return soon
     */
    public static QmpClient connect(NbdAddress address, Duration patience, Consumer<ObjectNode> listener)
            throws IOException, InterruptedException {
        SocketChannel channel;
        try {
            channel = NbdSockets.connect(address, patience);
        } catch (IOException e) {
            var cause = e.getCause() == null ? e : e.getCause();
            throw new IOException(
                    "No agent answers at " + address + " (" + cause.getMessage()
                            + "); start one with 'varve up' or 'varve capture', or name another with --agent",
                    e);
        }
        var client = new QmpClient(address, channel, patience, listener);
        try {
            Thread.ofPlatform().daemon().name("qmp-reader").start(client::read);
            client.await(client.greeting, "greet");
            client.execute("qmp_capabilities", JSON.createObjectNode());
            return client;
        } catch (IOException | InterruptedException e) {
            client.close();
            throw e;
        }
    }

    /**
     * Executes a command and waits for its reply.
     *
     * @return what the reply returns
     * @throws QmpRefusedException when the reply is an error
     * @throws IOException when the connection broke or the reply took too long; nothing else can be executed then
     */
    public JsonNode execute(String command, ObjectNode arguments) throws IOException, InterruptedException {
        var id = Integer.toString(++commands);
        var request = JSON.createObjectNode().put("execute", command).put("id", id);
        if (!arguments.isEmpty()) {
            request.set("arguments", arguments);
        }
        var received = exchange(request, "answer '" + command + "'");
        if (!received.path("id").asText(id).equals(id)) {
            throw garbage("a reply with the id " + received.get("id") + " instead of " + id);
        }
        var error = received.get("error");
        if (error != null) {
            throw new QmpRefusedException(
                    command,
                    error.path("class").asText("GenericError"),
                    error.path("desc").asText("no reason given"));
        }
        return received.get("return");
    }

    /**
     * Sends a request as it is, and waits for its reply.
     *
     * @return the whole reply, which may be an error
     * @throws IOException as {@link #execute} does
     */
    public JsonNode converse(ObjectNode request) throws IOException, InterruptedException {
        return exchange(request, "answer");
    }

    private JsonNode exchange(ObjectNode request, String what) throws IOException, InterruptedException {
        var awaited = new CompletableFuture<JsonNode>();
        reply = awaited;
        // A connection that broke before the line above has nobody to fail this one.
        broken.ifPresent(awaited::completeExceptionally);
        send(request);
        return await(awaited, what);
    }

    /** Waits for the next event; false after {@code longest}, or when the connection broke. */
    public boolean awaitEvent(Duration longest) throws InterruptedException {
        boolean came = events.tryAcquire(longest.toMillis(), TimeUnit.MILLISECONDS);
        events.drainPermits();
        return came && broken.isEmpty();
    }

    private void send(ObjectNode request) throws IOException {
        var bytes = ByteBuffer.wrap((request + "\n").getBytes(StandardCharsets.UTF_8));
        try {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } catch (IOException e) {
            throw broken.orElse(lost(e));
        }
    }

    private JsonNode await(CompletableFuture<JsonNode> future, String what) throws IOException, InterruptedException {
        try {
            return future.get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            close();
            throw new IOException(
                    "What listens at " + address + " didn't " + what + " within " + patience.toMillis() / 1000.0
                            + " s; is it the agent's QMP address?",
                    e);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException failure ? failure : new IOException(e.getCause());
        }
    }

    /** Thread: reader. */
    private void read() {
        try {
            var lines = new QmpLines(new BufferedInputStream(Channels.newInputStream(channel)));
            for (var line = next(lines); line.isPresent(); line = next(lines)) {
                if (!line.get().isEmpty()) {
                    take(parse(line.get()));
                }
            }
            fail(lost(null));
        } catch (IOException e) {
            fail(e);
        }
    }

    private Optional<String> next(QmpLines lines) throws IOException {
        try {
            return lines.next();
        } catch (QmpLines.TooLongException e) {
            throw garbage("a line longer than " + QmpLines.LINE_MAX_BYTES + " bytes");
        } catch (IOException e) {
            throw lost(e);
        }
    }

    private ObjectNode parse(String line) throws IOException {
        try {
            if (JSON.readTree(line) instanceof ObjectNode message) {
                return message;
            }
        } catch (JsonProcessingException e) {
            throw garbage("'" + shortened(line) + "'");
        }
        throw garbage("'" + shortened(line) + "'");
    }

    private void take(ObjectNode message) throws IOException {
        if (message.has("QMP")) {
            greeting.complete(message);
        } else if (!greeting.isDone()) {
            throw garbage("'" + shortened(message.toString()) + "' instead of a greeting");
        } else if (message.has("event")) {
            listener.accept(message);
            events.release();
        } else if (message.has("return") || message.has("error")) {
            reply.complete(message);
        } else {
            throw garbage("'" + shortened(message.toString()) + "'");
        }
    }

    private void fail(IOException failure) {
        broken = Optional.of(failure);
        greeting.completeExceptionally(failure);
        reply.completeExceptionally(failure);
        // Who waits for an event looks up and sees it.
        events.release();
    }

    private IOException garbage(String what) {
        return new IOException("What listens at " + address + " doesn't speak QMP: it sent " + what
                + "; name the agent's QMP address with --agent");
    }

    private IOException lost(@Nullable IOException cause) {
        return new IOException("The agent at " + address + " closed the connection; see its log", cause);
    }

    private static String shortened(String line) {
        var clean = line.replaceAll("\\p{Cntrl}", "?");
        return clean.length() > 60 ? clean.substring(0, 60) + "…" : clean;
    }

    /** Closes the connection. */
    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            // Nobody is left whom it could matter to.
            return;
        }
    }
}
