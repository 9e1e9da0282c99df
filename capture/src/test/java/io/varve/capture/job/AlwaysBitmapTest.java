package io.varve.capture.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.backend.BackendAccess;
import io.varve.capture.backend.FaultBackend;
import io.varve.capture.backend.FaultEvent;
import io.varve.capture.backend.FaultRule;
import io.varve.capture.backend.FaultRules;
import io.varve.capture.backend.RawFileBackend;
import io.varve.capture.nbd.Export;
import io.varve.capture.node.NodeGraph;
import io.varve.capture.tracking.AgentFixture;
import io.varve.core.Seeds;
import io.varve.core.bits.Marks;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.BitmapMode;
import io.varve.core.drive.Completion;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import io.varve.core.job.JobEvent;
import io.varve.core.transaction.Action;
import io.varve.core.transaction.SyncMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SortedSet;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a backup that fails in mid-copy leaves in its bitmap, against what its target really holds. */
class AlwaysBitmapTest {
    private static final int GRANULE_BYTES = 65_536;
    private static final int GRANULES = 96;
    private static final DriveId DRIVE = new DriveId("disk0");
    private static final BitmapName BITMAP = new BitmapName("b");
    private static final List<Case> CASES = List.of(
            new Case(SyncMode.BITMAP, BitmapMode.ALWAYS),
            new Case(SyncMode.FULL, BitmapMode.ALWAYS),
            new Case(SyncMode.BITMAP, BitmapMode.ON_SUCCESS),
            new Case(SyncMode.BITMAP, BitmapMode.NEVER),
            new Case(SyncMode.FULL, BitmapMode.ON_SUCCESS),
            new Case(SyncMode.INCREMENTAL, BitmapMode.ON_SUCCESS));

    @TempDir
    private Path directory;

    private record Case(SyncMode sync, BitmapMode mode) {}

    @Test
    void shouldKeepExactlyWhatWasntCopiedAndWhatCameSince() { // I3
        Seeds.forEach(3, random -> {
            for (Case one : CASES) {
                try {
                    run(one, random, Files.createDirectories(directory.resolve("run-" + random.nextLong())));
                } catch (Exception e) {
                    throw new AssertionError(one.toString(), e);
                }
            }
        });
    }

    private static void run(Case one, SplittableRandom random, Path folder) throws Exception {
        SortedSet<Integer> expected;
        try (AgentFixture fixture = AgentFixture.open(folder)) {
            Path image = fixture.image("disk0");
            byte[] content = new byte[GRANULES * GRANULE_BYTES];
            random.nextBytes(content);
            Files.write(image, content);
            int failingGranule = GRANULES / 3 + random.nextInt(GRANULES / 2);
            NodeGraph graph = new NodeGraph(fixture.agent());
            Export export = graph.adopt("disk0", image, failing(image, failingGranule))
                    .node()
                    .orElseThrow()
                    .io();
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.add("disk0", "b"));
            SortedSet<Integer> dirty = new TreeSet<>(List.of(failingGranule));
            SortedSet<Integer> since = new TreeSet<>();
            for (int write = 0; write < GRANULES / 2; write++) {
                dirty.add(random.nextInt(GRANULES));
            }
            for (int granule : dirty) {
                byte[] data = Arrays.copyOfRange(
                        content, granule * GRANULE_BYTES, granule * GRANULE_BYTES + 1 + random.nextInt(GRANULE_BYTES));
                AgentFixture.write(export, (long) granule * GRANULE_BYTES, data);
            }
            try (Jobs jobs = new Jobs(fixture.agent(), graph, InstantSource.system())) {
                CountDownLatch ended = new CountDownLatch(1);
                jobs.listen(news -> {
                    if (news instanceof JobNews.Told(JobInfo _, JobEvent.Completed _)) {
                        ended.countDown();
                    }
                });
                assertInstanceOf(
                        JobsAnswer.Done.class, jobs.transact(List.of(backup(one, folder)), Completion.INDIVIDUAL));
                for (int write = 0; write < 4; write++) {
                    // Its old content can't be kept where it can't be read.
                    int granule = random.nextInt(failingGranule - 16);
                    since.add(granule);
                    AgentFixture.write(export, (long) granule * GRANULE_BYTES, new byte[512]);
                }
                assertTrue(ended.await(30, TimeUnit.SECONDS), "the job ends");
                jobs.settle();
            }
            SortedSet<Integer> held = held(folder.resolve("target.raw"), content);
            assertTrue(
                    one.sync() != SyncMode.FULL || one.mode() != BitmapMode.ALWAYS || !held.isEmpty(), "in mid-copy");
            expected = new TreeSet<>(dirty);
            if (one.mode() == BitmapMode.ALWAYS) {
                if (one.sync() == SyncMode.FULL) {
                    for (int granule = 0; granule < GRANULES; granule++) {
                        expected.add(granule);
                    }
                }
                expected.removeAll(held);
            }
            expected.addAll(since);
            assertEquals(expected, dirty(fixture), one.toString());
        }
        try (AgentFixture fixture = AgentFixture.open(folder)) {
            var _ = fixture.attach("disk0", (long) GRANULES * GRANULE_BYTES);
            assertEquals(expected, dirty(fixture), "after a restart, " + one);
        }
    }

    private static FaultBackend failing(Path image, long granule) throws Exception {
        FaultRule rule = new FaultRule.InjectError(
                FaultEvent.READ_AIO,
                FaultRule.ANY_STATE,
                5,
                OptionalLong.of(granule * GRANULE_BYTES / 512),
                false,
                false);
        return new FaultBackend(RawFileBackend.open(image, BackendAccess.READ_WRITE), FaultRules.of(List.of(rule)));
    }

    private static JobAction backup(Case one, Path folder) {
        return new JobAction.Backup(
                new Action.Backup("disk0", one.sync(), Optional.of("b"), Optional.of(one.mode()), BackupTarget.FILE),
                Optional.empty(),
                new JobAction.Target.File(
                        folder.resolve("target.raw").toString(), Optional.of("raw"), JobAction.Mode.ABSOLUTE_PATHS));
    }

    /** The granules that the target has got; one that it hasn't reads as zeroes, or isn't there. */
    private static SortedSet<Integer> held(Path target, byte[] content) throws Exception {
        byte[] bytes = Files.exists(target) ? Files.readAllBytes(target) : new byte[0];
        SortedSet<Integer> held = new TreeSet<>();
        for (int granule = 0; granule < bytes.length / GRANULE_BYTES; granule++) {
            int from = granule * GRANULE_BYTES;
            if (Arrays.equals(bytes, from, from + GRANULE_BYTES, content, from, from + GRANULE_BYTES)) {
                held.add(granule);
            }
        }
        return held;
    }

    private static SortedSet<Integer> dirty(AgentFixture fixture) throws Exception {
        Marks marks = fixture.agent().bitmaps().marks(DRIVE, BITMAP).orElseThrow();
        SortedSet<Integer> dirty = new TreeSet<>();
        for (int granule = 0; granule < GRANULES; granule++) {
            if (marks.contains((long) granule * GRANULE_BYTES)) {
                dirty.add(granule);
            }
        }
        return dirty;
    }
}
