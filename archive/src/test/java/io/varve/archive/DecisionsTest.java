package io.varve.archive;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.archive.store.FileStore;
import io.varve.archive.store.ObjectKey;
import io.varve.archive.store.ObjectStore;
import io.varve.archive.store.Retries;
import io.varve.archive.store.S3Server;
import io.varve.archive.store.S3Store;
import io.varve.archive.store.Sha256;
import io.varve.archive.store.WhenMissing;
import io.varve.core.commit.ManifestRef;
import io.varve.core.commit.UnitId;
import io.varve.core.commit.Verdict;
import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(S3Server.Shared.class)
class DecisionsTest {
    private static final DriveId ROOT = new DriveId("root");
    private static final DriveId DATA = new DriveId("data");
    private static final SyncPointId SYNC_POINT = new SyncPointId("sp-1");
    private static final UnitId GROUP = new UnitId(SYNC_POINT, Optional.empty());
    private static final UnitId SINGLE = new UnitId(SYNC_POINT, Optional.of(ROOT));

    @TempDir
    Path folder;

    private ObjectStore files() throws Exception {
        return FileStore.open(folder, WhenMissing.REFUSE);
    }

    private static Verdict.Committed committed(DriveId... drives) {
        Map<DriveId, ManifestRef> manifests = new TreeMap<>();
        for (DriveId drive : drives) {
            manifests.put(
                    drive,
                    new ManifestRef(
                            drive + "/sp-1/000000-full.x.json",
                            Sha256.of(drive.value().getBytes(StandardCharsets.UTF_8))));
        }
        return new Verdict.Committed(new TreeMap<>(manifests));
    }

    @Test
    void shouldDecideOnce() throws Exception {
        Decisions decisions = new Decisions(files());

        Verdict first = decisions.decide(GROUP, committed(ROOT, DATA));
        Verdict second = decisions.decide(GROUP, new Verdict.Aborted("too late"));

        assertEquals(committed(ROOT, DATA), first);
        assertEquals(first, second);
        assertEquals(Optional.of(first), decisions.find(GROUP));
    }

    @Test
    void shouldKeepUnitsApart() throws Exception {
        Decisions decisions = new Decisions(files());

        decisions.decide(SINGLE, new Verdict.Aborted("disk \"full\"\nreally"));

        assertEquals(Optional.of(new Verdict.Aborted("disk \"full\"\nreally")), decisions.find(SINGLE));
        assertEquals(Optional.empty(), decisions.find(GROUP));
        assertEquals(Optional.empty(), decisions.find(new UnitId(SYNC_POINT, Optional.of(DATA))));
    }

    @Test
    void shouldAnswerTheSameToARepeatedDecision() throws Exception {
        Decisions decisions = new Decisions(files());

        Verdict first = decisions.decide(SINGLE, committed(ROOT));

        assertEquals(first, decisions.decide(SINGLE, committed(ROOT)));
    }

    @Test
    void shouldRefuseToCommitAUnitWithForeignManifests() throws Exception {
        Decisions decisions = new Decisions(files());

        assertThrows(IllegalArgumentException.class, () -> decisions.decide(SINGLE, committed(DATA)));
        assertThrows(IllegalArgumentException.class, () -> decisions.decide(SINGLE, committed(ROOT, DATA)));
        assertThrows(IllegalArgumentException.class, () -> decisions.decide(GROUP, committed()));
    }

    @Test
    void shouldRefuseADamagedDecision() throws Exception {
        ObjectStore store = files();
        store.put(
                new ObjectKey("sync-points/sp-1.json"),
                ByteBuffer.wrap("{\"version\":1".getBytes(StandardCharsets.UTF_8)));

        DamagedArchiveException e = assertThrows(DamagedArchiveException.class, () -> new Decisions(store).find(GROUP));

        assertTrue(e.getMessage().contains("sync-points/sp-1.json"), e.getMessage());
    }

    @Test
    void shouldRefuseADecisionOfAnotherUnit() throws Exception {
        ObjectStore store = files();
        byte[] other = DecisionJson.write(new UnitId(new SyncPointId("sp-2"), Optional.empty()), committed(ROOT));
        store.put(new ObjectKey("sync-points/sp-1.json"), ByteBuffer.wrap(other));

        assertThrows(DamagedArchiveException.class, () -> new Decisions(store).find(GROUP));
    }

    /** I14, and hole 3: any number of sinks that decide differently see one decision. */
    @Test
    void shouldGiveAllRacersTheSameDecision(S3Server server) throws Exception {
        try (ObjectStore bucket = S3Store.open(server.newBucket(), WhenMissing.CREATE, Retries.STANDARD)) {
            ConditionalPutProbe.check(bucket);
            for (ObjectStore store : List.of(files(), bucket)) {
                List<Verdict> seen = race(new Decisions(store));

                assertEquals(1, seen.stream().distinct().count());
                assertEquals(Optional.of(seen.getFirst()), new Decisions(store).find(GROUP));
            }
        }
    }

    private static List<Verdict> race(Decisions decisions) throws Exception {
        List<Callable<Verdict>> racers = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            Verdict proposal = i % 2 == 0 ? committed(ROOT, DATA) : new Verdict.Aborted("racer " + i);
            racers.add(() -> decisions.decide(GROUP, proposal));
        }
        List<Verdict> seen = new ArrayList<>();
        try (var threads = Executors.newFixedThreadPool(racers.size())) {
            for (var future : threads.invokeAll(racers)) {
                seen.add(future.get());
            }
        }
        return seen;
    }
}
