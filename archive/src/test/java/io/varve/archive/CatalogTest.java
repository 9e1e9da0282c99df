package io.varve.archive;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.archive.Backups.Stored;
import io.varve.archive.Manifest.Membership;
import io.varve.archive.SyncPoint.DriveBackup;
import io.varve.archive.SyncPoint.State;
import io.varve.archive.store.FileStore;
import io.varve.archive.store.ObjectStore;
import io.varve.archive.store.WhenMissing;
import io.varve.core.commit.ManifestRef;
import io.varve.core.commit.UnitId;
import io.varve.core.commit.Verdict;
import io.varve.core.drive.Completion;
import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CatalogTest {
    private static final DriveId ROOT = new DriveId("root");
    private static final DriveId DATA = new DriveId("data");
    private static final Membership GROUP = Backups.membership("group", Completion.GROUPED, "root", "data");
    private static final Membership EACH = Backups.membership("each", Completion.INDIVIDUAL, "root", "data");

    @TempDir
    Path folder;

    private Backups backups;
    private Decisions decisions;
    private Catalog catalog;

    @BeforeEach
    void open() throws Exception {
        ObjectStore store = FileStore.open(folder, WhenMissing.REFUSE);
        backups = new Backups(store, 1);
        decisions = new Decisions(store);
        catalog = new Catalog(store);
    }

    private static UnitId unit(String syncPoint, Optional<DriveId> drive) {
        return new UnitId(new SyncPointId(syncPoint), drive);
    }

    private static Verdict committed(Map<DriveId, Stored> stored) {
        TreeMap<DriveId, ManifestRef> refs = new TreeMap<>();
        stored.forEach((drive, backup) -> refs.put(drive, backup.ref()));
        return new Verdict.Committed(refs);
    }

    private Optional<SyncPoint> find(String id) throws Exception {
        return catalog.find(new SyncPointId(id));
    }

    @Test
    void shouldKnowNothingOfAnEmptyArchive() throws Exception {
        assertEquals(List.of(), catalog.list());
        assertEquals(Optional.empty(), find("group"));
    }

    /** I14: a group is offered only when its one decision says committed. */
    @Test
    void shouldOfferAGroupOnlyOnceItIsCommitted() throws Exception {
        Stored root = backups.full("root", GROUP, 1);
        Stored data = backups.full("data", GROUP, 2);
        List<SyncPoint> before = catalog.list();
        Optional<SyncPoint> beforeById = find("group");

        decisions.decide(unit("group", Optional.empty()), committed(Map.of(ROOT, root, DATA, data)));

        SyncPoint point = find("group").orElseThrow();
        assertEquals(1, before.size());
        assertInstanceOf(State.Undecided.class, before.getFirst().state());
        assertEquals(Optional.empty(), beforeById);
        assertInstanceOf(State.Committed.class, point.state());
        assertEquals(
                new DriveBackup.Committed(data.ref(), data.manifest()),
                point.drives().get(DATA));
        assertEquals(List.of(point), catalog.list());
    }

    @Test
    void shouldShowAnAbortedGroupWithItsReason() throws Exception {
        backups.full("root", GROUP, 1);

        decisions.decide(unit("group", Optional.empty()), new Verdict.Aborted("data: uploads were refused"));

        SyncPoint point = find("group").orElseThrow();
        assertEquals(new State.Aborted("data: uploads were refused"), point.state());
        assertEquals(List.of(point), catalog.list());
    }

    @Test
    void shouldOfferTheCommittedDrivesOfAnIndividualSyncPoint() throws Exception {
        Stored root = backups.full("root", EACH, 1);
        decisions.decide(unit("each", Optional.of(ROOT)), committed(Map.of(ROOT, root)));
        SyncPoint waiting = find("each").orElseThrow();

        decisions.decide(unit("each", Optional.of(DATA)), new Verdict.Aborted("broken"));

        SyncPoint point = find("each").orElseThrow();
        assertInstanceOf(DriveBackup.Undecided.class, waiting.drives().get(DATA));
        assertInstanceOf(State.Partial.class, point.state());
        assertInstanceOf(DriveBackup.Committed.class, point.drives().get(ROOT));
        assertEquals(new DriveBackup.Aborted("broken"), point.drives().get(DATA));
    }

    @Test
    void shouldNotShowOtherAttemptsOfWhatIsDecided() throws Exception {
        backups.full("root", EACH, 1);
        Stored second = backups.full("root", EACH, 1);

        decisions.decide(unit("each", Optional.of(ROOT)), committed(Map.of(ROOT, second)));

        SyncPoint only = catalog.list().getFirst();
        assertEquals(
                new DriveBackup.Committed(second.ref(), second.manifest()),
                only.drives().get(ROOT));
    }

    @Test
    void shouldNotTakeOneIdForTheBeginningOfAnother() throws Exception {
        decisions.decide(unit("sp-1", Optional.empty()), new Verdict.Aborted("one"));
        decisions.decide(unit("sp-10", Optional.of(ROOT)), new Verdict.Aborted("ten"));

        assertEquals(new State.Aborted("one"), find("sp-1").orElseThrow().state());
        assertEquals(new State.Aborted("ten"), find("sp-10").orElseThrow().state());
        assertEquals(Optional.empty(), find("sp"));
    }

    @Test
    void shouldListOldestFirst() throws Exception {
        Membership later = Backups.membership("a-later-one", Completion.INDIVIDUAL, "root");
        Stored full = backups.full("root", EACH, 1);
        Stored next = backups.incremental(full, later, 2);
        decisions.decide(unit("a-later-one", Optional.of(ROOT)), committed(Map.of(ROOT, next)));
        decisions.decide(unit("each", Optional.of(ROOT)), committed(Map.of(ROOT, full)));

        List<String> ids =
                catalog.list().stream().map(point -> point.id().value()).toList();

        assertEquals(List.of("each", "a-later-one"), ids);
    }

    @Test
    void shouldShowADamagedManifestWithoutHidingTheRest() throws Exception {
        Stored root = backups.full("root", GROUP, 1);
        Stored data = backups.full("data", GROUP, 2);
        decisions.decide(unit("group", Optional.empty()), committed(Map.of(ROOT, root, DATA, data)));
        Files.writeString(folder.resolve(root.ref().key()), "{}");

        SyncPoint point = catalog.list().getFirst();

        DriveBackup.Damaged damaged =
                assertInstanceOf(DriveBackup.Damaged.class, point.drives().get(ROOT));
        assertTrue(damaged.sentence().contains(root.ref().key()), damaged.sentence());
        assertInstanceOf(DriveBackup.Committed.class, point.drives().get(DATA));
    }
}
