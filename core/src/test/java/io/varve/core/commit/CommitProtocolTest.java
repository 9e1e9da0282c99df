package io.varve.core.commit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.Seeds;
import io.varve.core.bits.Digest;
import io.varve.core.bits.HierarchicalBitSet;
import io.varve.core.commit.CommitProtocol.Transition;
import io.varve.core.commit.Outcome.Retry;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Completion;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.drive.SyncPointMark.SnapshotExport;
import io.varve.core.id.DriveId;
import io.varve.core.id.JournalId;
import io.varve.core.id.SyncPointId;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class CommitProtocolTest {
    private static final DriveId A = new DriveId("a");
    private static final DriveId B = new DriveId("b");
    private static final UnitId GROUP = new UnitId(new SyncPointId("sp-1"), Optional.empty());

    private Optional<UnitState> state = Optional.empty();
    private final List<UnitEffect> effects = new ArrayList<>();

    @Test
    void shouldSendNoTaskBeforeEveryPartIsThere() {
        on(new UnitInput.PartOffered(part(A)));

        assertEquals(List.of(), effects);
        on(new UnitInput.PartOffered(part(B)));
        assertEquals(2, effects.size());
    }

    @Test
    void shouldProposeACommitOnlyWithEveryManifest() { // I14
        bothParts();
        effects.clear();

        heard(copied(A));
        assertEquals(List.of(), effects);
        heard(copied(B));

        assertEquals(
                new TreeSet<>(List.of(A, B)),
                new TreeSet<>(((Verdict.Committed) proposed()).manifests().keySet()));
    }

    @Test
    void shouldProposeAnAbortForAllWhenOneDriveCannot() {
        bothParts();
        heard(copied(A));

        heard(new Outcome.CopyFailed(GROUP, B, 1, "snapshot gone", Retry.POINTLESS));

        assertInstanceOf(Verdict.Aborted.class, proposed());
    }

    @Test
    void shouldTryAgainThenGiveUp() {
        bothParts();
        for (int attempt = 1; attempt < CommitProtocol.ATTEMPTS_MAX; attempt++) {
            heard(new Outcome.CopyFailed(GROUP, B, attempt, "503", Retry.WORTHWHILE));
            assertInstanceOf(UnitState.Copying.class, state.orElseThrow());
        }

        heard(new Outcome.CopyFailed(GROUP, B, CommitProtocol.ATTEMPTS_MAX, "503", Retry.WORTHWHILE));

        assertInstanceOf(Verdict.Aborted.class, proposed());
    }

    @Test
    void shouldObeyTheDecisionObjectWhateverWasProposed() {
        bothParts();
        heard(copied(A));
        heard(copied(B));

        heard(new Outcome.Decided(GROUP, A, new Verdict.Aborted("an agent's request won")));

        assertEquals(new UnitState.Decided(GROUP, new Verdict.Aborted("an agent's request won")), state.orElseThrow());
    }

    @Test
    void shouldTellAnAgentThatAsksLate() {
        bothParts();
        Verdict verdict = new Verdict.Aborted("x");
        heard(new Outcome.Decided(GROUP, A, verdict));
        effects.clear();

        heard(new Outcome.AbortRequested(GROUP, B, "restarted"));

        assertEquals(List.of(new UnitEffect.Tell(new Outcome.Decided(GROUP, B, verdict))), effects);
    }

    @Test
    void shouldTellAnAgentThatOffersADecidedPartAgain() { // its bitmap would stay busy when the first word is lost
        bothParts();
        Verdict verdict = new Verdict.Aborted("x");
        heard(new Outcome.Decided(GROUP, A, verdict));
        effects.clear();

        on(new UnitInput.PartOffered(part(B)));

        assertEquals(List.of(new UnitEffect.Tell(new Outcome.Decided(GROUP, B, verdict))), effects);
    }

    @Test
    void shouldAbortAUnitOfWhichOnlyARequestIsKnown() {
        heard(new Outcome.AbortRequested(GROUP, A, "snapshot gone"));

        assertInstanceOf(Verdict.Aborted.class, proposed());
    }

    @Test
    void shouldNeverChangeADecisionNorCommitWithoutAllManifests() { // I14
        Seeds.forEach(2_000, random -> {
            state = Optional.empty();
            Optional<UnitState> decided = Optional.empty();
            boolean aCopied = false;
            boolean bCopied = false;
            for (int step = 0; step < 30; step++) {
                effects.clear();
                UnitInput input = anyInput(random);
                aCopied |= input.equals(heardInput(copied(A)));
                bCopied |= input.equals(heardInput(copied(B)));
                on(input);
                for (UnitEffect effect : effects) {
                    boolean commits = effect instanceof UnitEffect.Send(Task.Decide decide)
                            && decide.proposed() instanceof Verdict.Committed;
                    assertTrue(!commits || (aCopied && bCopied), "committed without a manifest");
                }
                if (decided.isPresent()) {
                    assertEquals(decided, state);
                }
                decided = state.filter(UnitState.Decided.class::isInstance);
            }
        });
    }

    private static UnitInput anyInput(SplittableRandom random) {
        DriveId drive = random.nextBoolean() ? A : B;
        return switch (random.nextInt(8)) {
            case 0, 1 -> new UnitInput.PartOffered(part(drive));
            case 2, 3 -> heardInput(copied(drive));
            case 4 -> heardInput(new Outcome.CopyFailed(GROUP, drive, 1, "503", Retry.WORTHWHILE));
            case 5 -> heardInput(new Outcome.AbortRequested(GROUP, drive, "cancelled"));
            case 6 -> new UnitInput.Silence();
            default ->
                random.nextInt(4) == 0
                        ? heardInput(new Outcome.Decided(GROUP, drive, new Verdict.Aborted("won")))
                        : new UnitInput.Silence();
        };
    }

    private void bothParts() {
        on(new UnitInput.PartOffered(part(A)));
        on(new UnitInput.PartOffered(part(B)));
    }

    private void heard(Outcome outcome) {
        on(heardInput(outcome));
    }

    private static UnitInput heardInput(Outcome outcome) {
        return new UnitInput.Heard(GROUP, outcome);
    }

    private void on(UnitInput input) {
        Transition transition = CommitProtocol.on(state, input);
        state = transition.state();
        effects.addAll(transition.effects());
    }

    private Verdict proposed() {
        return assertInstanceOf(UnitState.Deciding.class, state.orElseThrow()).proposed();
    }

    private static Outcome copied(DriveId drive) {
        return new Outcome.Copied(GROUP, drive, 1, new ManifestRef(drive + ".json", digest()), 1);
    }

    private static Part part(DriveId drive) {
        SyncPointMark mark = new SyncPointMark(
                new BackupKey(GROUP.syncPoint(), 0),
                new TreeSet<>(List.of(A, B)),
                Completion.GROUPED,
                BackupTarget.ARCHIVE,
                new BackupKind.Full(),
                Optional.empty(),
                new TreeSet<>(),
                1 << 20,
                new SnapshotExport("unix:/run/varve.sock", drive + "@sp-1"));
        return new Part(drive, new JournalId(new UUID(1, 1)), mark, Optional.empty());
    }

    private static Digest digest() {
        return Digest.of(HierarchicalBitSet.ofHeap(1));
    }
}
