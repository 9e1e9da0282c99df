package io.varve.streams;

import io.varve.core.bits.Marks;
import io.varve.core.commit.Outcome;
import io.varve.core.commit.Task;
import io.varve.core.commit.UnitState;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Generation;
import io.varve.core.event.LogRecord;
import io.varve.core.id.DriveId;
import io.varve.schemas.SchemaIds;
import io.varve.schemas.Topics;
import io.varve.schemas.VarveSerdes;
import io.varve.streams.fold.StoredMarks;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TestOutputTopic;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.errors.DeserializationExceptionHandler;
import org.apache.kafka.streams.errors.LogAndFailExceptionHandler;

/** The topology, driven by hand: what goes in, what has come out, what it keeps. */
final class TopologyFixture implements AutoCloseable {
    static final Duration SILENCE = Duration.ofSeconds(60);

    private final TopologyTestDriver driver;
    private final TestInputTopic<String, LogRecord> changes;
    private final TestInputTopic<String, Outcome> heard;
    private final TestOutputTopic<String, Task> tasks;
    private final TestOutputTopic<String, Outcome> outcomes;
    private final TestOutputTopic<String, UnitState> units;

    TopologyFixture(Path folder) {
        this(folder, LogAndFailExceptionHandler.class);
    }

    /** @param unreadable what handles a record that can't be read: the role's own, or a wrong one */
    TopologyFixture(Path folder, Class<? extends DeserializationExceptionHandler> unreadable) {
        VarveSerdes serdes = new VarveSerdes(SchemaIds.ofThisVersion());
        Properties properties = new Properties();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, "varve");
        properties.put(StreamsConfig.STATE_DIR_CONFIG, folder.toString());
        properties.put(StreamsConfig.DESERIALIZATION_EXCEPTION_HANDLER_CLASS_CONFIG, unreadable);
        driver = new TopologyTestDriver(
                new BackupTopology(serdes, SILENCE).build(1), properties, Instant.parse("2026-01-01T00:00:00Z"));
        changes = input(Topics.CHANGES, serdes.logRecords());
        heard = input(Topics.BACKUP_OUTCOMES, serdes.outcomes());
        tasks = output(Topics.BACKUP_TASKS, serdes.tasks());
        outcomes = output(Topics.BACKUP_OUTCOMES, serdes.outcomes());
        units = output(Topics.SYNC_POINTS, serdes.unitStates());
    }

    void publish(List<LogRecord> records) {
        records.forEach(record -> changes.pipeInput(record.drive().value(), record));
    }

    /** Publishes something that no reader of the log can read. */
    void publishUnreadable(String drive) {
        driver.createInputTopic(Topics.CHANGES, new StringSerializer(), new ByteArraySerializer())
                .pipeInput(drive, new byte[] {1, 2, 3});
    }

    void say(Outcome outcome) {
        heard.pipeInput(outcome.drive().value(), outcome);
    }

    void waitFor(Duration time) {
        driver.advanceWallClockTime(time);
    }

    /** The tasks sent since the last call. */
    List<Task> tasks() {
        return tasks.readValuesToList();
    }

    /** What was said to agents since the last call; what the test said itself isn't in it. */
    List<Outcome> told() {
        return outcomes.readValuesToList();
    }

    /** The last state of each unit that changed since the last call. */
    Map<String, UnitState> units() {
        return units.readKeyValuesToMap();
    }

    DriveState state(String drive) {
        return driver.<String, DriveState>getKeyValueStore("drives").get(drive);
    }

    Marks marks(String drive, Generation generation) {
        return StoredMarks.of(driver.getKeyValueStore("generations"), new DriveId(drive), generation);
    }

    /** How many pages are stored. */
    int pages() {
        int count = 0;
        try (var all = driver.getKeyValueStore("generations").all()) {
            while (all.hasNext()) {
                all.next();
                count++;
            }
        }
        return count;
    }

    private <V> TestInputTopic<String, V> input(String topic, Serde<V> values) {
        return driver.createInputTopic(topic, new StringSerializer(), values.serializer());
    }

    private <V> TestOutputTopic<String, V> output(String topic, Serde<V> values) {
        return driver.createOutputTopic(topic, new StringDeserializer(), values.deserializer());
    }

    @Override
    public void close() {
        driver.close();
    }
}
