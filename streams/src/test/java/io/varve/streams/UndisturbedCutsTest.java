package io.varve.streams;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.varve.core.commit.ManifestRef;
import io.varve.core.commit.Outcome;
import io.varve.core.commit.Task;
import io.varve.core.commit.UnitId;
import io.varve.core.commit.Verdict;
import io.varve.core.drive.Anchor;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.drive.Trust;
import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;
import io.varve.core.transaction.SyncMode;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where nothing goes wrong, nothing is said to: every cut is offered at once, and nothing is asked of the agent. */
class UndisturbedCutsTest {
    private static final String DRIVE = "vda";
    private static final long SIZE_BYTES = 4L << 20;
    private static final int CUTS = 10_000;

    @TempDir
    Path folder;

    @Test
    void shouldGiveNoFalseAlarm() { // I4
        long seed = Long.getLong("varve.seed", 5L);
        SplittableRandom random = new SplittableRandom(seed);
        WritingHost writing = WritingHost.withAnchoredBitmaps(SIZE_BYTES, 65536, DRIVE);
        try (TopologyFixture topology = new TopologyFixture(folder)) {
            topology.publish(writing.news());
            topology.tasks();
            for (int cut = 0; cut < CUTS; cut++) {
                for (int write = random.nextInt(3); write > 0; write--) {
                    writing.write(DRIVE, random.nextLong(SIZE_BYTES), 1 + random.nextLong(200_000));
                }
                if (cut % 16 == 7) {
                    writing.coalesce(DRIVE);
                }
                SyncPointId syncPoint = writing.backup(Completion.INDIVIDUAL, SyncMode.INCREMENTAL, DRIVE);
                topology.publish(writing.news());

                String which = "seed " + seed + ", cut " + cut;
                List<Task> tasks = topology.tasks();
                assertEquals(1, tasks.size(), () -> which + ": " + tasks);
                Task.Copy copy = assertInstanceOf(Task.Copy.class, tasks.getFirst(), which);
                assertEquals(syncPoint, copy.part().mark().key().syncPoint(), which);
                conclude(writing, topology, copy, random.nextInt(8) > 0);
            }
            assertEquals(
                    List.of(),
                    topology.told().stream()
                            .filter(Outcome.RepublicationRequested.class::isInstance)
                            .toList());
            assertEquals(new Trust.Sound(), topology.state(DRIVE).trust());
        }
    }

    private static void conclude(WritingHost writing, TopologyFixture topology, Task.Copy copy, boolean isCommitted) {
        SyncPointMark mark = copy.part().mark();
        Anchor anchor = WritingHost.anchor(mark.key().syncPoint());
        SortedMap<DriveId, ManifestRef> manifests = new TreeMap<>();
        manifests.put(copy.part().drive(), new ManifestRef(anchor.manifestKey(), anchor.manifestSha256()));
        UnitId unit = UnitId.of(copy.part().drive(), mark);
        topology.say(new Outcome.Decided(
                unit,
                copy.part().drive(),
                isCommitted ? new Verdict.Committed(manifests) : new Verdict.Aborted("the test wants it")));
        writing.conclude(
                DRIVE, isCommitted ? new Conclusion.Committed(anchor) : new Conclusion.Aborted("the test wants it"));
    }
}
