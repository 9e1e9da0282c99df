package io.varve.sink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.archive.ArchiveSettings;
import io.varve.core.bits.Digest;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.core.commit.ManifestRef;
import io.varve.core.commit.Outcome;
import io.varve.core.commit.Outcome.Retry;
import io.varve.core.commit.Task;
import io.varve.core.commit.Verdict;
import io.varve.core.drive.Anchor;
import io.varve.core.drive.SyncPointMark.SnapshotExport;
import io.varve.core.id.SyncPointId;
import io.varve.embedded.stack.ChildProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.SplittableRandom;
import org.apache.kafka.common.KafkaException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What goes wrong leaves no half of a backup, and is told. */
@Timeout(180)
class SinkFailureTest {
    private static final long SIZE_BYTES = 48 << 20;
    private static final long HALF_BYTES = 24 << 20;

    @TempDir
    private static Path folder;

    private static SinkStack stack;
    private static Disk disk;

    @BeforeAll
    static void start() throws Exception {
        stack = SinkStack.start(folder.resolve("stack"));
        disk = Disk.create(folder.resolve("disk.raw"), SIZE_BYTES);
        disk.fill(0, SIZE_BYTES, new SplittableRandom(1));
    }

    @AfterAll
    static void stop() {
        stack.close();
    }

    @Test
    void shouldTellThatAnotherAttemptHelpsWhenTheServerDies() throws Exception {
        try (SinkRole _ = stack.sink(1);
                SnapshotServer server = SnapshotServer.raw(disk.raw(), "dies@sp");
                GatedProxy gate = GatedProxy.start(server)) {
            Task.Copy task = new Orders("dies", SIZE_BYTES).full("sp", gate.export());
            gate.admit(HALF_BYTES);
            stack.send(task);
            awaitHalf(task);

            server.kill();
            gate.close();

            Outcome.CopyFailed failed = stack.awaitFailure(task);
            assertEquals(Retry.WORTHWHILE, failed.retry(), failed.reason());
            assertTrue(failed.reason().contains("connection"), failed.reason());
            assertEquals(List.of(), stack.keys("dies/"));
            stack.assertNoUploads("dies");
        }
    }

    @Test
    void shouldFinishTheTaskOfAKilledSinkElsewhere() throws Exception {
        try (SnapshotServer server = SnapshotServer.raw(disk.raw(), "handed@sp");
                GatedProxy gate = GatedProxy.start(server)) {
            Orders orders = new Orders("handed", SIZE_BYTES);
            Task.Copy task = orders.full("sp", gate.export());
            try (ChildProcess sink = stack.sinkProcess(1, List.of())) {
                gate.admit(HALF_BYTES);
                stack.send(task);
                awaitHalf(task);

                sink.killNow();
            }

            try (SinkRole _ = stack.sink(1)) {
                gate.open();
                Outcome.Copied copied = stack.awaitCopied(task);
                assertEquals(3, stack.keys("handed/").size(), "the killed attempt left no object");
                assertInstanceOf(
                        Verdict.Committed.class,
                        stack.decide(orders.commit(task, copied.manifest())).verdict());
            }
            stack.assertImage("handed/", disk.raw());
        }
    }

    @Test
    void shouldGiveACopyBackWhenTheRoleCloses() throws Exception {
        try (SnapshotServer server = SnapshotServer.raw(disk.raw(), "closed@sp");
                GatedProxy gate = GatedProxy.start(server)) {
            Task.Copy task = new Orders("closed", SIZE_BYTES).full("sp", gate.export());
            SinkRole first = stack.sink(1);
            gate.admit(HALF_BYTES);
            stack.send(task);
            awaitHalf(task);

            first.close();

            assertTrue(first.awaitEnd().isEmpty());
            assertEquals(List.of(), stack.keys("closed/"));
            stack.assertNoUploads("closed");
            try (SinkRole _ = stack.sink(1)) {
                gate.open();
                stack.awaitCopied(task);
            }
        }
    }

    @Test
    void shouldSeeNoPointInASnapshotThatIsGone() throws Exception {
        try (SinkRole _ = stack.sink(1);
                SnapshotServer server = SnapshotServer.raw(disk.raw(), "other@sp")) {
            var gone = new SnapshotExport(server.export().address(), "gone@sp");
            Task.Copy task = new Orders("gone", SIZE_BYTES).full("sp", gone);
            stack.send(task);

            Outcome.CopyFailed failed = stack.awaitFailure(task);

            assertEquals(Retry.POINTLESS, failed.retry(), failed.reason());
            assertTrue(failed.reason().contains("no export 'gone@sp'"), failed.reason());
        }
    }

    @Test
    void shouldSeeNoPointWithoutTheParent() throws Exception {
        Marks marks = Marks.none(Granularity.DEFAULT, SIZE_BYTES);
        marks.mark(0, 4096);
        String key = "orphan/full/000000-full.00000000-0000-4000-8000-000000000000.json";
        SyncPointId full = new SyncPointId("full");
        Anchor anchor = new Anchor(full, full, 0, key, new Digest("0".repeat(64)));
        try (SinkRole _ = stack.sink(1);
                SnapshotServer server = SnapshotServer.raw(disk.raw(), "orphan@sp")) {
            Task.Copy task = new Orders("orphan", SIZE_BYTES).increment("sp", anchor, marks, server.export());
            stack.send(task);

            Outcome.CopyFailed failed = stack.awaitFailure(task);

            assertEquals(Retry.POINTLESS, failed.retry(), failed.reason());
            assertTrue(failed.reason().contains("'" + key + "' is missing"), failed.reason());
            assertEquals(List.of(), stack.keys("orphan/"));
        }
    }

    @Test
    void shouldAbortRatherThanNameAManifestThatIsMissing() throws Exception {
        Orders orders = new Orders("missing", SIZE_BYTES);
        Task.Copy task = orders.full("sp", new SnapshotExport("unix:/none", "none"));
        ManifestRef nothing = new ManifestRef(
                "missing/sp/000000-full.00000000-0000-4000-8000-000000000000.json", new Digest("0".repeat(64)));
        try (SinkRole _ = stack.sink(1)) {
            Outcome.Decided decided = stack.decide(orders.commit(task, nothing));

            Verdict.Aborted aborted = assertInstanceOf(Verdict.Aborted.class, decided.verdict());
            assertTrue(aborted.reason().contains("is missing"), aborted.reason());
        }
    }

    @Test
    void shouldGetPastARecordThatIsNoTask() throws Exception {
        stack.sendGarbage();
        try (SinkRole _ = stack.sink(1);
                SnapshotServer server = SnapshotServer.raw(disk.raw(), "behind@sp")) {
            stack.copy(new Orders("behind", SIZE_BYTES).full("sp", server.export()));
        }
    }

    @Test
    void shouldSayWhatItCannotStartWithout() throws Exception {
        Properties absent = stack.settings();
        absent.setProperty(ArchiveSettings.ARCHIVE, "s3://absent-bucket/prefix");
        Properties denied = stack.settings();
        denied.setProperty(ArchiveSettings.SECRET_KEY, "wrong");

        IOException noBucket = assertThrows(IOException.class, () -> start(stack.bootstrapServers(), absent));
        IOException noRight = assertThrows(IOException.class, () -> start(stack.bootstrapServers(), denied));
        KafkaException noKafka = assertThrows(KafkaException.class, () -> start("127.0.0.1:1", stack.settings()));

        assertTrue(
                String.valueOf(noBucket.getMessage()).contains("there is no bucket 'absent-bucket'"),
                noBucket::toString);
        assertTrue(String.valueOf(noRight.getMessage()).contains("credentials"), noRight::toString);
        assertTrue(String.valueOf(noKafka.getMessage()).contains("127.0.0.1:1"), noKafka::toString);
        assertFalse(String.valueOf(noKafka.getMessage()).contains("\n"), noKafka::toString);
    }

    private static void start(String bootstrapServers, Properties settings) throws IOException {
        SinkConfig config = SinkConfig.of(bootstrapServers, ArchiveSettings.of(settings, Map.of()));
        SinkRole.start(config, InstantSource.system(), new SecureRandom()).close();
    }

    /** Waits until a part must be in the store. */
    private static void awaitHalf(Task.Copy task) {
        stack.await(outcome -> outcome instanceof Outcome.Progress progress
                        && progress.unit().equals(task.unit())
                        && progress.copiedBytes() > HALF_BYTES / 2
                ? Optional.of(progress)
                : Optional.empty());
    }
}
