package io.varve.cli.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.varve.cli.stack.Member;
import io.varve.cli.stack.StackRole;
import io.varve.core.bits.Extent;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.id.DriveId;
import io.varve.core.id.IncarnationId;
import io.varve.schemas.TopicSchemaIds;
import io.varve.schemas.Topics;
import io.varve.schemas.VarveSerdes;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What befalls the log of a whole stack: it's noticed before a sync point is committed, and heals with a reason. */
@Timeout(240)
@TestMethodOrder(MethodOrderer.MethodName.class)
class LogMishapTest {
    @TempDir
    static Path folder;

    private static TestStack stack;

    @BeforeAll
    static void start() throws Exception {
        stack = TestStack.start(folder);
        write(17);
        assertEquals("committed full bitmap-new", of(stack.backup(), "drive0"));
        write(18);
        assertEquals("committed incremental ", of(stack.backup(), "drive0"));
    }

    @AfterAll
    static void stop() throws Exception {
        stack.close();
    }

    @Test
    void shouldGoOnIncrementallyAfterRecordsThatNobodyReadWereDeleted() throws Exception { // I1, I4
        Member streams = stack.stack().role(StackRole.STREAMS).orElseThrow();
        streams.takeDown();
        long known = records();
        write(33);
        while (records() == known) {
            Thread.onSpinWait();
        }
        truncate();
        streams.bringUp();
        write(34);

        JsonNode backup = stack.backup();

        assertEquals("committed incremental ", of(backup, "drive0"), backup::toString);
        stack.mustRestoreToTheImages(backup.path("sync-point").asText());
    }

    @Test
    void shouldTakeAFullBackupWithACodeAfterASecondWriter() throws Exception { // I8
        writeAsAStranger();
        write(49);

        JsonNode refused = stack.backup("--individual");
        JsonNode next = stack.backup("--individual");

        assertEquals("aborted incremental ", of(refused, "drive0"), refused::toString);
        assertTrue(refused.toString().contains("another agent may have written the image"), refused::toString);
        assertEquals("committed full second-writer", of(next, "drive0"), next::toString);
        assertEquals("committed incremental ", of(next, "drive1"), next::toString);
        stack.mustRestoreToTheImages(next.path("sync-point").asText());
        write(50);
        assertEquals("committed incremental ", of(stack.backup(), "drive0"));
    }

    /** A record of an agent that isn't in drive0's line, as of one that serves the image elsewhere. */
    private static void writeAsAStranger() throws Exception {
        VarveSerdes serdes = new VarveSerdes(TopicSchemaIds.read(stack.stack().kafkaClient()));
        LogRecord strange = new LogRecord(
                new DriveId("drive0"),
                new IncarnationId(new UUID(9, 9)),
                0,
                new DriveEvent.ExtentsDirtied(1, 1, List.of(new Extent(0, 65_536)), 1, 65_536));
        try (KafkaProducer<String, LogRecord> producer = new KafkaProducer<>(
                stack.stack().kafkaClient(),
                new StringSerializer(),
                serdes.logRecords().serializer())) {
            producer.send(new ProducerRecord<>(Topics.CHANGES, "drive0", strange))
                    .get();
        }
    }

    /** How many records were ever in the log. */
    private static long records() throws Exception {
        try (Admin admin = Admin.create(stack.stack().kafkaClient())) {
            Map<TopicPartition, OffsetSpec> ends = new HashMap<>();
            partitions(admin).forEach(partition -> ends.put(partition, OffsetSpec.latest()));
            return admin.listOffsets(ends).all().get().values().stream()
                    .mapToLong(end -> end.offset())
                    .sum();
        }
    }

    private static List<TopicPartition> partitions(Admin admin) throws Exception {
        var described = admin.describeTopics(List.of(Topics.CHANGES)).topicNameValues();
        return Objects.requireNonNull(described.get(Topics.CHANGES)).get().partitions().stream()
                .map(partition -> new TopicPartition(Topics.CHANGES, partition.partition()))
                .toList();
    }

    private static void truncate() throws Exception {
        try (Admin admin = Admin.create(stack.stack().kafkaClient())) {
            Map<TopicPartition, RecordsToDelete> all = new HashMap<>();
            // -1 is the end.
            partitions(admin).forEach(partition -> all.put(partition, RecordsToDelete.beforeOffset(-1)));
            admin.deleteRecords(all).all().get();
        }
    }

    private static void write(int pattern) throws Exception {
        for (String drive : TestStack.DRIVES) {
            stack.qemuIo(drive, "write -P " + pattern + " " + pattern % 16 + "M 1M", "flush");
        }
    }

    private static String of(JsonNode backup, String device) {
        for (JsonNode drive : backup.path("drives")) {
            if (drive.path("device").asText().equals(device)) {
                return drive.path("state").asText() + " " + drive.path("sync").asText() + " "
                        + drive.path("full-cause").asText();
            }
        }
        throw new AssertionError(backup);
    }
}
