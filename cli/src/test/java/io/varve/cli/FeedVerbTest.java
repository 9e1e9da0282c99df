package io.varve.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.varve.core.bits.Extent;
import io.varve.core.bits.Granularity;
import io.varve.core.drive.Arrival;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Completion;
import io.varve.core.drive.FullCause;
import io.varve.core.drive.ImageIdentity;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.id.DriveId;
import io.varve.core.id.IncarnationId;
import io.varve.core.id.JournalId;
import io.varve.core.id.SyncPointId;
import io.varve.embedded.stack.BrokerProcess;
import io.varve.schemas.TopicSchemaIds;
import io.varve.schemas.TopicSetup;
import io.varve.schemas.Topics;
import io.varve.schemas.VarveSerdes;
import java.io.InputStreamReader;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.UUID;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FeedVerbTest {

    private static final IncarnationId INCARNATION = new IncarnationId(new UUID(1, 2));

    @TempDir
    static Path folder;

    private static BrokerProcess broker;
    private static VarveSerdes serdes;

    @BeforeAll
    static void start() throws Exception {
        broker = BrokerProcess.start(folder.resolve("data"), folder.resolve("broker.log"));
        try (var admin = Admin.create(client())) {
            TopicSetup.create(admin, 2, (short) 1);
        }
        serdes = new VarveSerdes(TopicSchemaIds.register(client()));
        send(attached("a"), dirtied("a", 3), attached("b"));
    }

    @AfterAll
    static void stop() {
        broker.close();
    }

    @Test
    void shouldPrintALineAnEvent() {
        var run = CommandRun.of("feed", "--kafka", broker.bootstrapServers(), "--drive", "a");

        assertEquals(0, run.code(), run::err);
        assertEquals(2, run.lines().size(), run.out());
        assertTrue(
                run.lines().getFirst().matches("\\d{4}-\\d\\d-\\d\\d .*Z  a +g1  DriveAttached +1 MiB, fresh"),
                run.out());
        assertTrue(
                run.lines().getLast().endsWith("ExtentsDirtied            2 extents, 192 KiB by 3 writes of 12 KiB"),
                run.out());
    }

    @Test
    void shouldPrintJsonLines() throws Exception {
        var run = CommandRun.of("feed", "--kafka", broker.bootstrapServers(), "--drive=a", "--json");

        assertEquals(0, run.code(), run::err);
        var event = new JsonMapper().readTree(run.lines().getLast());
        assertEquals("ExtentsDirtied", event.get("event").asText());
        assertEquals(3, event.get("generation").asLong());
        assertEquals("[[0,65536],[131072,131072]]", event.get("extents").toString());
    }

    @Test
    void shouldPrintEveryDrive() {
        var run = CommandRun.of("feed", "--kafka", broker.bootstrapServers(), "--until-end");

        assertEquals(0, run.code(), run::err);
        assertTrue(run.lines().stream().anyMatch(line -> line.contains("Z  b ")), run.out());
    }

    @Test
    void shouldTellWhyAFullBackupWasntAskedFor() throws Exception {
        send(
                marked("m", 1, new BackupKind.Full(Optional.of(FullCause.IMAGE_CHANGED))),
                marked("m", 2, new BackupKind.Full()));
        var text = CommandRun.of("feed", "--kafka", broker.bootstrapServers(), "--drive=m");
        var json = CommandRun.of("feed", "--kafka", broker.bootstrapServers(), "--drive=m", "--json");

        assertTrue(text.lines().getFirst().contains("sync point sp-1, full (image-changed), individual"), text.out());
        assertTrue(text.lines().getLast().contains("sync point sp-2, full, individual"), text.out());
        var told = new JsonMapper().readTree(json.lines().getFirst());
        assertEquals("full", told.path("kind").asText());
        assertEquals("image-changed", told.path("full-cause").asText());
        assertFalse(new JsonMapper().readTree(json.lines().getLast()).has("full-cause"), json.out());
    }

    @Test
    void shouldFollowWhatComes() throws Exception {
        var pipe = new PipedInputStream();
        var out = new PrintStream(new PipedOutputStream(pipe), true, StandardCharsets.UTF_8);
        var surroundings = new Surroundings(out, System.err, Map.of());
        var command = new Varve(surroundings, Verbs.all(surroundings));
        var followed = Thread.ofPlatform()
                .daemon()
                .start(() -> command.run("feed", "--kafka", broker.bootstrapServers(), "--follow", "--drive", "c"));

        send(attached("c"));

        try (var lines = new java.io.BufferedReader(new InputStreamReader(pipe, StandardCharsets.UTF_8))) {
            assertTrue(String.valueOf(lines.readLine()).contains("DriveAttached"));
        }
        assertTrue(followed.isAlive());
    }

    @Test
    void shouldSayThatThereIsNoKafka() {
        var run = CommandRun.of("feed", "--kafka", "127.0.0.1:1");

        assertEquals(1, run.code());
        assertEquals(
                "varve feed: No Kafka answers at 127.0.0.1:1 within 8 s; start one with 'varve up', or name another"
                        + " address with --kafka.\n",
                run.err());
    }

    @Test
    void shouldRefuseWhatCannotNameADrive() {
        var run = CommandRun.of("feed", "--kafka", "127.0.0.1:1", "--drive", "No Drive");

        assertEquals(2, run.code());
    }

    private static LogRecord attached(String drive) {
        var event = new DriveEvent.DriveAttached(
                new JournalId(new UUID(3, 4)),
                Optional.empty(),
                1,
                Granularity.DEFAULT,
                1 << 20,
                new ImageIdentity("a.img", "1:2", 5, "00"),
                Arrival.FRESH);
        return new LogRecord(new DriveId(drive), INCARNATION, 1, event);
    }

    private static LogRecord dirtied(String drive, long generation) {
        var extents = List.of(new Extent(0, 65536), new Extent(131072, 131072));
        var event = new DriveEvent.ExtentsDirtied(generation, 1, extents, 3, 12 << 10);
        return new LogRecord(new DriveId(drive), INCARNATION, 0, event);
    }

    private static LogRecord marked(String drive, long control, BackupKind kind) {
        var mark = new SyncPointMark(
                new BackupKey(new SyncPointId("sp-" + control), 0),
                new TreeSet<>(List.of(new DriveId(drive))),
                Completion.INDIVIDUAL,
                BackupTarget.ARCHIVE,
                kind,
                Optional.empty(),
                new TreeSet<>(),
                1 << 20,
                new SyncPointMark.SnapshotExport("unix:x", drive + "@sp-" + control));
        return new LogRecord(new DriveId(drive), INCARNATION, control, new DriveEvent.SyncPointMarked(mark));
    }

    private static void send(LogRecord... records) throws Exception {
        try (var producer = new KafkaProducer<>(
                client(), new StringSerializer(), serdes.logRecords().serializer())) {
            for (var record : records) {
                producer.send(new ProducerRecord<>(
                                Topics.CHANGES, record.drive().value(), record))
                        .get();
            }
        }
    }

    private static Map<String, Object> client() {
        return Map.of("bootstrap.servers", broker.bootstrapServers());
    }
}
