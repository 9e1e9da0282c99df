package io.varve.capture.publish;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.commit.Outcome;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.Doubt;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.DriveEvent.ExtentsDirtied;
import io.varve.core.fold.Effect;
import io.varve.core.id.DriveId;
import io.varve.schemas.Topics;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an agent does when a reader of the log, at a real broker, doesn't come to the agent's picture. */
class LogDesyncTest {
    @TempDir
    static Path brokerFolder;

    private static Optional<LogBroker> broker = Optional.empty();

    @TempDir
    Path folder;

    private Optional<KafkaProbe> opened = Optional.empty();

    @BeforeAll
    static void startBroker() throws Exception {
        broker = Optional.of(LogBroker.start(brokerFolder));
    }

    @AfterAll
    static void stopBroker() {
        broker.ifPresent(LogBroker::close);
    }

    @BeforeEach
    void openProbe() {
        opened = Optional.of(new KafkaProbe(client()));
    }

    @AfterEach
    void closeProbe() {
        opened.ifPresent(KafkaProbe::close);
    }

    private static Map<String, Object> client() {
        return broker.orElseThrow().client();
    }

    private KafkaProbe probe() {
        return opened.orElseThrow();
    }

    @Test
    void shouldFillATruncatedTopicAgain() throws Exception { // I4
        try (Host host = Host.open(folder, "cut-off").connect(client())) {
            host.write("cut-off", 1);
            host.full(Completion.INDIVIDUAL, "cut-off");
            host.write("cut-off", 2);
            probe().untilTheSame(host, "cut-off");
            truncate();

            try (KafkaProbe late = new KafkaProbe(client())) {
                host.addBitmap("cut-off", "c");
                late.until(
                        "the gap is seen",
                        () -> late.fold("cut-off").complaints().contains(new Effect.RequestControl(1)));
                late.say(new Outcome.RepublicationRequested(new DriveId("cut-off"), 1, new TreeSet<>()));
                late.until(
                        "the beginning comes again",
                        () -> late.records("cut-off").stream().anyMatch(record -> record.control() == 1));

                late.until(
                        "the log says what the agent says",
                        () -> late.fold("cut-off").state().equals(host.state("cut-off")));
                assertEquals(1, late.fold("cut-off").offered().size());
            }
        }
    }

    @Test
    void shouldPublishAgainBeforeItBelievesThatADigestDiffers() throws Exception { // I4
        try (Host host = Host.open(folder, "differing").connect(client())) {
            host.write("differing", 1);
            var full = host.full(Completion.INDIVIDUAL, "differing").getFirst();
            SortedSet<Long> cut = full.mark().cut().orElseThrow().generations();
            probe().untilTheSame(host, "differing");
            long marks = marks("differing");

            long control = host.state("differing").control();
            probe().say(differs("differing", control, cut));
            probe().until("the marks come again", () -> marks("differing") > marks);
            probe().untilTheSame(host, "differing");
            assertInstanceOf(BitmapStatus.Busy.class, host.bitmap("differing").status());

            probe().until("it's believed", () -> {
                // One that comes before all is published again asks for that once more.
                say(differs("differing", control, cut));
                return isInconsistent(host.bitmap("differing"));
            });
            probe().untilTheSame(host, "differing");
            assertEquals(
                    doubt(),
                    ((BitmapStatus.Inconsistent) host.bitmap("differing").status()).doubt());
            assertTrue(probe().records("differing").stream()
                    .anyMatch(record -> record.event() instanceof DriveEvent.BitmapMarkedInconsistent));

            // Its backup may end in any way: the bitmap stays what it is, and nothing is lost.
            host.agent().conclude(new DriveId("differing"), full.mark().key(), new Conclusion.Aborted("it differs"));
            assertTrue(isInconsistent(host.bitmap("differing")));
            assertTrue(host.bitmap("differing").generations().containsAll(cut));
            assertTrue(host.state("differing").undecided().isEmpty());
        }
    }

    @Test
    void shouldBelieveAtOnceThatThereIsASecondWriter() throws Exception { // I8
        try (Host host = Host.open(folder, "second").connect(client())) {
            host.write("second", 1);
            probe().untilTheSame(host, "second");
            Doubt doubt = Doubt.secondWriter("another agent may have written the image");

            probe().say(new Outcome.RepublicationRequested(
                    new DriveId("second"),
                    host.state("second").control(),
                    host.bitmap("second").generations(),
                    Optional.of(doubt)));

            probe().until("it's believed", () -> isInconsistent(host.bitmap("second")));
            probe().untilTheSame(host, "second");
            assertEquals(
                    doubt, ((BitmapStatus.Inconsistent) host.bitmap("second").status()).doubt());
        }
    }

    /** Deletes all records of the log that are there. */
    private static void truncate() throws Exception {
        try (Admin admin = Admin.create(client())) {
            var described = admin.describeTopics(List.of(Topics.CHANGES)).topicNameValues();
            int partitions = Objects.requireNonNull(described.get(Topics.CHANGES))
                    .get()
                    .partitions()
                    .size();
            Map<TopicPartition, RecordsToDelete> all =
                    new TreeMap<>(Comparator.comparingInt(TopicPartition::partition));
            for (int partition = 0; partition < partitions; partition++) {
                // -1 is the end.
                all.put(new TopicPartition(Topics.CHANGES, partition), RecordsToDelete.beforeOffset(-1));
            }
            admin.deleteRecords(all).all().get();
        }
    }

    private static Doubt doubt() {
        return Doubt.digestDiffers("generation 1 has not its seal's digest, even after it was published again");
    }

    private static Outcome differs(String drive, long control, SortedSet<Long> generations) {
        return new Outcome.RepublicationRequested(new DriveId(drive), control, generations, Optional.of(doubt()));
    }

    private void say(Outcome outcome) {
        try {
            probe().say(outcome);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private static boolean isInconsistent(Bitmap bitmap) {
        return bitmap.status() instanceof BitmapStatus.Inconsistent;
    }

    private long marks(String drive) {
        return probe().records(drive).stream()
                .filter(record -> record.event() instanceof ExtentsDirtied)
                .count();
    }
}
