package io.varve.sink.work;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.archive.BackupName;
import io.varve.archive.Manifest;
import io.varve.archive.Manifest.DataObject;
import io.varve.archive.Manifest.Image;
import io.varve.archive.Manifest.Membership;
import io.varve.archive.Manifest.SumsObject;
import io.varve.archive.ObjectKeys;
import io.varve.archive.store.StoredPart;
import io.varve.archive.store.StoredParts;
import io.varve.core.bits.Digest;
import io.varve.core.commit.ManifestRef;
import io.varve.core.commit.Outcome;
import io.varve.core.commit.Task;
import io.varve.core.commit.UnitId;
import io.varve.core.commit.Verdict;
import io.varve.core.drive.Completion;
import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class DecideRulesTest {
    private static final Digest DIGEST = new Digest("0".repeat(64));
    private static final SyncPointId SYNC_POINT = new SyncPointId("sp");
    private static final DriveId A = new DriveId("a");
    private static final DriveId B = new DriveId("b");
    private static final UnitId GROUP = new UnitId(SYNC_POINT, Optional.empty());

    @Test
    void shouldCommitAGroupOnlyWithTheManifestOfEachDrive() {
        Manifest a = manifest(A, Completion.GROUPED);
        Manifest b = manifest(B, Completion.GROUPED);

        assertEquals(Optional.empty(), DecideRules.objection(GROUP, manifests(Map.of(A, a, B, b))));
        assertObjection("there are manifests of [a]; expected those of [a, b]", GROUP, Map.of(A, a));
        assertObjection("without a manifest", GROUP, Map.of());
        assertObjection("the manifest for drive a is drive b's", GROUP, Map.of(A, b, B, a));
    }

    @Test
    void shouldCommitADriveWithItsOwnManifestAlone() {
        UnitId unit = new UnitId(SYNC_POINT, Optional.of(A));
        Manifest a = manifest(A, Completion.INDIVIDUAL);

        assertEquals(Optional.empty(), DecideRules.objection(unit, manifests(Map.of(A, a))));
        assertObjection("of unit sp", unit, Map.of(A, manifest(A, Completion.GROUPED)));
        assertObjection("expected those of [a]", unit, Map.of(A, a, B, manifest(B, Completion.INDIVIDUAL)));
    }

    @Test
    void shouldTellEveryDriveThatTakesPart() {
        Verdict aborted = new Verdict.Aborted("a test");
        Verdict committed = new Verdict.Committed(
                new TreeMap<>(Map.of(A, new ManifestRef("a", DIGEST), B, new ManifestRef("b", DIGEST))));
        Task.Decide task = new Task.Decide(GROUP, aborted, new TreeSet<>(List.of(A)));

        assertEquals(List.of(new Outcome.Decided(GROUP, A, aborted)), DecideRules.told(task, aborted));
        assertEquals(
                List.of(new Outcome.Decided(GROUP, A, committed), new Outcome.Decided(GROUP, B, committed)),
                DecideRules.told(task, committed));
    }

    private static void assertObjection(String part, UnitId unit, Map<DriveId, Manifest> manifests) {
        String objection = DecideRules.objection(unit, manifests(manifests)).orElseThrow();
        assertTrue(objection.contains(part), objection);
    }

    private static SortedMap<DriveId, Manifest> manifests(Map<DriveId, Manifest> manifests) {
        return new TreeMap<>(manifests);
    }

    private static Manifest manifest(DriveId drive, Completion completion) {
        BackupName name = new BackupName(drive, SYNC_POINT, 0, new UUID(0, 0));
        return new Manifest(
                name,
                new Membership(SYNC_POINT, new TreeSet<>(List.of(A, B)), completion),
                Optional.empty(),
                Optional.empty(),
                new Image(1 << 20, 65536),
                Optional.empty(),
                new DataObject(ObjectKeys.data(name), new StoredParts(List.of(new StoredPart(1, DIGEST))), 0),
                new SumsObject(ObjectKeys.sums(name), 16, DIGEST),
                Instant.EPOCH,
                Optional.empty());
    }
}
