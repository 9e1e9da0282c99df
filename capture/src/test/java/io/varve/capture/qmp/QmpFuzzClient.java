package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.varve.formats.nbd.NbdAddress;
import io.varve.transfer.nbd.NbdSockets;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A client that sends anything, several inputs at once and in pieces, and holds every answer against the protocol. */
final class QmpFuzzClient {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final int BATCH_MAX = 40;
    private static final int PIECES_MAX = 6;
    private static final String END = "";

    private final NbdAddress address;
    private final SplittableRandom random;
    private final QmpFuzzInput inputs;
    private SocketChannel channel;
    private BlockingQueue<String> lines;
    private int batches;

    QmpFuzzClient(NbdAddress address, SplittableRandom random, Path folder) throws IOException {
        this.address = address;
        this.random = random;
        this.inputs = new QmpFuzzInput(random, folder);
        connect();
    }

    /** Sends so many inputs. */
    void send(int count) throws IOException, InterruptedException {
        for (int left = count; left > 0; ) {
            int size = Math.min(left, 1 + random.nextInt(BATCH_MAX));
            left -= size;
            ByteArrayOutputStream batch = new ByteArrayOutputStream();
            for (int input = 0; input < size; input++) {
                batch.writeBytes(inputs.next());
                batch.writeBytes(List.of(new byte[0], new byte[] {'\n'}, new byte[] {'\r', '\n'})
                        .get(random.nextInt(3)));
            }
            if (random.nextInt(100) == 0) {
                write(batch.toByteArray());
                // In the middle of whatever it was.
                channel.close();
                connect();
            } else {
                write(batch.toByteArray());
                synchronize();
            }
        }
        channel.close();
    }

    private void connect() throws IOException {
        channel = NbdSockets.connect(address, PATIENCE);
        BlockingQueue<String> told = new LinkedBlockingQueue<>();
        lines = told;
        SocketChannel reading = channel;
        Thread.ofVirtual().name("qmp-fuzz").start(() -> read(reading, told));
        write("{'execute': 'qmp_capabilities'}".getBytes(StandardCharsets.UTF_8));
    }

    private static void read(SocketChannel channel, BlockingQueue<String> told) {
        try (BufferedReader reader =
                new BufferedReader(new InputStreamReader(Channels.newInputStream(channel), StandardCharsets.UTF_8))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                told.add(line);
            }
        } catch (IOException e) {
            // Closed by this side, or told below.
        }
        told.add(END);
    }

    private void write(byte[] bytes) throws IOException {
        int from = 0;
        for (int piece = random.nextInt(PIECES_MAX); piece >= 0 && from < bytes.length; piece--) {
            int length = piece == 0 ? bytes.length - from : random.nextInt(bytes.length - from + 1);
            ByteBuffer rest = ByteBuffer.wrap(bytes, from, length);
            while (rest.hasRemaining()) {
                channel.write(rest);
            }
            from += length;
        }
    }

    /** Whatever came before, the server takes a command now. */
    private void synchronize() throws IOException, InterruptedException {
        String id = "sync-" + ++batches;
        write(new byte[] {(byte) 0xff, '\n'});
        write(("{'execute': 'query-name', 'id': '" + id + "'}").getBytes(StandardCharsets.UTF_8));
        while (true) {
            String line = lines.poll(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            assertTrue(line != null, () -> "no answer within " + PATIENCE);
            assertTrue(!line.equals(END), "disconnected");
            JsonNode answer = parse(line);
            assertIsOfProtocol(answer, line);
            if (answer.path("id").asText().equals(id)) {
                assertEquals("{}", String.valueOf(answer.get("return")), line);
                return;
            }
        }
    }

    private static JsonNode parse(String line) {
        try {
            return MAPPER.readTree(line);
        } catch (JsonProcessingException e) {
            throw new AssertionError("no JSON: " + line, e);
        }
    }

    private static void assertIsOfProtocol(JsonNode answer, String line) {
        TreeSet<String> names = new TreeSet<>();
        answer.fieldNames().forEachRemaining(names::add);
        if (names.contains("event")) {
            assertTrue(answer.path("timestamp").path("seconds").isIntegralNumber(), line);
            assertTrue(names.contains("data") && names.size() == 3, line);
            return;
        }
        names.remove("id");
        assertEquals(1, names.size(), line);
        switch (names.first()) {
            case "return" ->
                assertTrue(
                        answer.get("return").isContainerNode()
                                || answer.get("return").isTextual(),
                        line);
            case "error" -> {
                assertTrue(answer.path("error").path("desc").isTextual(), line);
                assertTrue(
                        List.of("GenericError", "CommandNotFound", "DeviceNotActive", "DeviceNotFound")
                                .contains(answer.path("error").path("class").asText()),
                        line);
            }
            case "QMP" -> assertTrue(answer.path("QMP").path("version").isObject(), line);
            default -> throw new AssertionError("neither reply nor event: " + line);
        }
    }
}
