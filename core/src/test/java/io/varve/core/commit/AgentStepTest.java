package io.varve.core.commit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.varve.core.bits.Digest;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.HierarchicalBitSet;
import io.varve.core.drive.Anchor;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.Doubt;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Generation;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.drive.Trust;
import io.varve.core.drive.UndecidedBackup;
import io.varve.core.drive.UndecidedBackup.Phase;
import io.varve.core.id.DriveId;
import io.varve.core.id.IncarnationId;
import io.varve.core.id.JournalId;
import io.varve.core.id.SyncPointId;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class AgentStepTest {
    private static final DriveId A = new DriveId("a");
    private static final DriveId B = new DriveId("b");
    private static final SyncPointId SYNC_POINT = new SyncPointId("s2");
    private static final Digest DIGEST = Digest.of(HierarchicalBitSet.ofHeap(1));
    private static final ManifestRef MANIFEST = new ManifestRef("m", DIGEST);
    private static final Anchor PARENT = new Anchor(new SyncPointId("s1"), new SyncPointId("s0"), 3, "p", DIGEST);
    private static final BackupKind FULL = new BackupKind.Full();
    private static final UnitId OF_A = new UnitId(SYNC_POINT, Optional.of(A));
    private static final UnitId OF_ALL = new UnitId(SYNC_POINT, Optional.empty());

    @Test
    void shouldAnchorAFullToItself() {
        AgentStep step = AgentStep.of(running(individual(0, FULL)), decided(OF_A, committed(A)));

        assertEquals(
                new AgentStep.Conclude(
                        key(0), new Conclusion.Committed(new Anchor(SYNC_POINT, SYNC_POINT, 0, "m", DIGEST))),
                step);
    }

    @Test
    void shouldAnchorAnIncrementBehindItsParent() {
        SyncPointMark mark = individual(0, new BackupKind.Incremental(Optional.of(PARENT)));

        AgentStep step = AgentStep.of(running(mark), decided(OF_A, committed(A)));

        assertEquals(
                new AgentStep.Conclude(
                        key(0), new Conclusion.Committed(new Anchor(SYNC_POINT, PARENT.chain(), 4, "m", DIGEST))),
                step);
    }

    @Test
    void shouldObeyADecisionOfAWholeGroup() { // I14
        SyncPointMark mark = mark(key(0), Completion.GROUPED, BackupTarget.ARCHIVE, FULL);

        AgentStep ofGroup = AgentStep.of(running(mark), decided(OF_ALL, new Verdict.Aborted("why")));
        AgentStep ofOther = AgentStep.of(running(mark), decided(OF_A, new Verdict.Aborted("why")));

        assertEquals(new AgentStep.Conclude(key(0), new Conclusion.Aborted("why")), ofGroup);
        assertEquals(new AgentStep.Nothing(), ofOther);
    }

    @Test
    void shouldDistrustOrPublishAgainWhatTheLogDoubts() {
        TreeSet<Long> generations = new TreeSet<>(Set.of(1L));
        Doubt doubt = Doubt.digestDiffers("why");
        DriveState state = running(individual(0, FULL));

        AgentStep asked = AgentStep.of(state, new Outcome.RepublicationRequested(A, 7, generations));
        AgentStep doubted =
                AgentStep.of(state, new Outcome.RepublicationRequested(A, 7, generations, Optional.of(doubt)));

        assertEquals(new AgentStep.Republish(7, generations), asked);
        assertEquals(new AgentStep.Distrust(doubt, new AgentStep.Republish(7, generations)), doubted);
    }

    @Test
    void shouldNotGoBackForGenerationsThatWereMergedSince() { // I4, reliability 6.22: a reader would never get there
        DriveState state = running(individual(0, FULL));
        Doubt doubt = Doubt.digestDiffers("why");
        TreeSet<Long> gone = new TreeSet<>(Set.of(3L, 4L));

        AgentStep asked = AgentStep.of(state, new Outcome.RepublicationRequested(A, 7, gone));
        AgentStep doubted = AgentStep.of(state, new Outcome.RepublicationRequested(A, 7, gone, Optional.of(doubt)));
        AgentStep some = AgentStep.of(state, new Outcome.RepublicationRequested(A, 7, new TreeSet<>(Set.of(1L, 3L))));
        AgentStep all = AgentStep.of(state, new Outcome.RepublicationRequested(A, 7, new TreeSet<>()));

        assertEquals(new AgentStep.Nothing(), asked);
        assertEquals(new AgentStep.Nothing(), doubted);
        assertEquals(new AgentStep.Republish(7, new TreeSet<>(Set.of(1L))), some);
        assertEquals(new AgentStep.Republish(7, new TreeSet<>()), all);
    }

    @Test
    void shouldNotTakeAFileBackupForTheUnit() { // I3
        SyncPointMark toFile = mark(key(0), Completion.INDIVIDUAL, BackupTarget.FILE, FULL);
        SyncPointMark toArchive = individual(1, FULL);

        AgentStep alone = AgentStep.of(running(toFile), decided(OF_A, committed(A)));
        AgentStep both = AgentStep.of(running(toFile, toArchive), decided(OF_A, committed(A)));

        assertEquals(new AgentStep.Nothing(), alone);
        assertEquals(key(1), assertInstanceOf(AgentStep.Conclude.class, both).backup());
    }

    @Test
    void shouldRefuseACommitWithoutTheDrivesManifest() { // I3
        AgentStep step = AgentStep.of(running(individual(0, FULL)), decided(OF_A, committed(B)));

        assertInstanceOf(AgentStep.Refuse.class, step);
    }

    @Test
    void shouldIgnoreDecisionsOfUnitsThatAreDecidedOrUnknown() { // I3
        DriveState idle = state(new TreeMap<>());

        assertEquals(new AgentStep.Nothing(), AgentStep.of(idle, decided(OF_A, committed(A))));
        assertEquals(new AgentStep.Nothing(), AgentStep.of(idle, decided(OF_ALL, new Verdict.Aborted("why"))));
    }

    @Test
    void shouldReportProgressOfRunningBackupsOnly() {
        Outcome progress = new Outcome.Progress(OF_A, A, 1, 5, 9);

        assertEquals(new AgentStep.Report(OF_A, 5, 9), AgentStep.of(running(individual(0, FULL)), progress));
        assertEquals(new AgentStep.Nothing(), AgentStep.of(undecided(Phase.PUT_BACK, individual(0, FULL)), progress));
    }

    @Test
    void shouldAskOnlyForUnitsThatWerePutBack() { // I12: one that runs isn't to be aborted by a question
        SyncPointMark mark = individual(0, FULL);

        assertEquals(Set.of(OF_A), AgentStep.toAskFor(undecided(Phase.PUT_BACK, mark)));
        assertEquals(Set.of(), AgentStep.toAskFor(running(mark)));
    }

    private static Outcome decided(UnitId unit, Verdict verdict) {
        return new Outcome.Decided(unit, A, verdict);
    }

    private static Verdict committed(DriveId drive) {
        SortedMap<DriveId, ManifestRef> manifests = new TreeMap<>();
        manifests.put(drive, MANIFEST);
        return new Verdict.Committed(manifests);
    }

    private static BackupKey key(int ordinal) {
        return new BackupKey(SYNC_POINT, ordinal);
    }

    private static SyncPointMark individual(int ordinal, BackupKind kind) {
        return mark(key(ordinal), Completion.INDIVIDUAL, BackupTarget.ARCHIVE, kind);
    }

    private static SyncPointMark mark(BackupKey key, Completion completion, BackupTarget target, BackupKind kind) {
        return new SyncPointMark(
                key,
                new TreeSet<>(Set.of(A, B)),
                completion,
                target,
                kind,
                Optional.empty(),
                new TreeSet<>(),
                1 << 20,
                new SyncPointMark.SnapshotExport("unix:/none", "a@s2"));
    }

    private static DriveState running(SyncPointMark... marks) {
        return undecided(Phase.RUNNING, marks);
    }

    private static DriveState undecided(Phase phase, SyncPointMark... marks) {
        SortedMap<BackupKey, UndecidedBackup> undecided = new TreeMap<>();
        for (SyncPointMark mark : marks) {
            undecided.put(mark.key(), new UndecidedBackup(mark, phase, new TreeSet<>()));
        }
        return state(undecided);
    }

    private static DriveState state(SortedMap<BackupKey, UndecidedBackup> undecided) {
        return DriveState.fresh(
                        A,
                        new JournalId(new UUID(1, 1)),
                        new IncarnationId(new UUID(2, 2)),
                        new Generation(1, Granularity.DEFAULT, 1 << 20, Optional.empty()),
                        new Trust.Sound())
                .withUndecided(undecided);
    }
}
