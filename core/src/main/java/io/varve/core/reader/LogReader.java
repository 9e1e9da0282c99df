package io.varve.core.reader;

import io.varve.core.bits.Digest;
import io.varve.core.commit.Outcome;
import io.varve.core.commit.Part;
import io.varve.core.commit.UnitId;
import io.varve.core.commit.UnitInput;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.Cut;
import io.varve.core.drive.Doubt;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Generation;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.drive.Trust;
import io.varve.core.event.LogRecord;
import io.varve.core.fold.Effect;
import io.varve.core.fold.Fold;
import io.varve.core.fold.Step;
import io.varve.core.id.DriveId;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Consumer;

/**
 * Reads drives' logs: folds them ({@link Fold}), keeps their marks, and performs what each record asks for. A record
 * that comes again changes no state, but its effects are performed again.
 *
 * <pre>
 *   a seal or a cut has not the agent's digest   the first time   the agent is asked to publish the generations again,
 *                                                                 and all control events from this one on
 *                                                again            the parts that need them are refused, and the agent
 *                                                                 is told that its bitmaps can't be believed
 *   a stranger may have written the drive        an increment     as above: publishing again can't help
 *   control events are missing                   the agent is asked to publish from the first missing one on
 * </pre>
 *
 * <p>Thread: one only.
 */
public final class LogReader {
    private final ReaderStores stores;
    private final Mismatches mismatches;
    private final KnownJournals journals;
    private final StrangeWrites strangeWrites;
    private final Consumer<FoldOutput> output;

    /** The last control event that was asked for; not stored, since asking once more is harmless. */
    private final Map<DriveId, Long> askedFrom = new HashMap<>();

    /** A reader that keeps what it knows in {@code stores}, and says what follows to {@code output}. */
    public LogReader(ReaderStores stores, Consumer<FoldOutput> output) {
        this.stores = stores;
        this.mismatches = new Mismatches(stores.mismatches());
        this.journals = new KnownJournals(stores.mismatches());
        this.strangeWrites = new StrangeWrites(stores.mismatches());
        this.output = output;
    }

    /** One record being folded; {@code after} is empty while nothing is known of the drive. */
    private record Turn(LogRecord record, Optional<DriveState> before, Optional<DriveState> after, long position) {
        DriveId drive() {
            return record.drive();
        }

        Optional<Generation> generationBefore(long number) {
            return before.flatMap(
                    state -> Optional.ofNullable(state.generations().get(number)));
        }
    }

    /**
     * Takes the next record of a drive's log.
     *
     * @param position greater than those before, but for a record that's read again
     */
    public void on(LogRecord record, long position) {
        Optional<DriveState> before = stores.state(record.drive());
        Step step = journals.isSuperseded(before, record, position)
                ? Fold.strange(before.orElseThrow(), record)
                : Fold.apply(before, record);
        Optional<DriveState> after = before.isEmpty() || !record.isControl()
                ? step.state()
                : step.state().map(folded -> strangeWrites.settled(before.get(), record, folded));
        Turn turn = new Turn(record, before, after, position);
        step.effects().forEach(effect -> perform(effect, turn));
        after.filter(state -> !before.equals(after)).ifPresent(stores::put);
    }

    private void perform(Effect effect, Turn turn) {
        switch (effect) {
            case Effect.ForgetAll() -> {
                stores.marks().forgetAll(turn.drive());
                mismatches.forgetAll(turn.drive());
            }
            case Effect.Mark(Generation generation, var extents) ->
                stores.marks().mark(turn.drive(), generation, extents);
            case Effect.VerifySeal(Generation generation) -> verify(turn, generation);
            case Effect.Drop(long generation) -> {
                stores.marks().drop(turn.drive(), generation);
                mismatches.sealAgrees(turn.drive(), generation);
            }
            case Effect.Coalesce(SortedSet<Long> merged, Generation into) -> coalesce(turn, merged, into);
            case Effect.OfferPart(SyncPointMark mark) -> offer(turn, mark);
            case Effect.RefusePart(SyncPointMark mark, String reason) -> {
                refuse(turn, mark, reason);
                distrustSuspect(turn, mark, reason);
            }
            case Effect.Concluded(SyncPointMark mark, Conclusion conclusion) -> concluded(turn, mark, conclusion);
            case Effect.RequestControl(long from) -> requestControl(turn, from);
            case Effect.Suspected(String reason) -> suspected(turn, reason);
        }
    }

    private void coalesce(Turn turn, SortedSet<Long> merged, Generation into) {
        List<Generation> going = merged.stream()
                .flatMap(number -> turn.generationBefore(number).stream())
                .toList();
        Generation intoBefore = turn.generationBefore(into.number()).orElse(into);
        stores.marks().coalesce(turn.drive(), going, intoBefore, into);
    }

    private void verify(Turn turn, Generation generation) {
        DriveState state = turn.after().orElseThrow();
        if (!state.generations().containsKey(generation.number())) {
            return;
        }
        Digest expected = generation.seal().orElseThrow().digest();
        Digest actual = stores.marks().load(turn.drive(), generation).digest();
        if (actual.equals(expected)) {
            mismatches.sealAgrees(turn.drive(), generation.number());
            return;
        }
        warn(
                turn,
                "generation " + generation.number() + " has the digest " + actual.hex() + " here; its agent says "
                        + expected.hex());
        SortedSet<Long> one = new TreeSet<>(List.of(generation.number()));
        switch (mismatches.ofSeal(turn.drive(), generation.number(), turn.position())) {
            case FIRST -> {
                // What is too much here goes only like this: marks are united with what comes again.
                stores.marks().drop(turn.drive(), generation.number());
                republish(turn, one);
            }
            case AGAIN -> {
                String reason = "generation " + generation.number()
                        + " has not its seal's digest, even after it was published again";
                refuseThoseThatNeed(turn, state, generation.number(), reason);
                distrust(turn, one, Doubt.digestDiffers(reason));
            }
        }
    }

    private void refuseThoseThatNeed(Turn turn, DriveState state, long generation, String reason) {
        state.undecided().values().stream()
                .map(backup -> backup.mark())
                .filter(mark -> mark.target() == BackupTarget.ARCHIVE && mark.kind() instanceof BackupKind.Incremental)
                .filter(mark -> mark.cut()
                        .filter(cut -> cut.generations().contains(generation))
                        .isPresent())
                .forEach(mark -> refuse(turn, mark, reason));
    }

    private void offer(Turn turn, SyncPointMark mark) {
        DriveState state = turn.after().orElseThrow();
        if (mark.kind() instanceof BackupKind.Full || mark.cut().isEmpty()) {
            tellUnit(
                    turn,
                    mark,
                    new UnitInput.PartOffered(new Part(turn.drive(), state.journal(), mark, Optional.empty())));
            return;
        }
        Cut cut = mark.cut().get();
        switch (CutCheck.of(stores.marks(), state, mark, cut)) {
            case CutCheck.Agrees(var packed) -> {
                mismatches.cutAgrees(turn.drive(), mark.key());
                tellUnit(turn, mark, new UnitInput.PartOffered(new Part(turn.drive(), state.journal(), mark, packed)));
            }
            case CutCheck.Differs(Digest actual) -> differs(turn, mark, cut, actual);
            case CutCheck.Gone(long generation) ->
                refuse(turn, mark, "generation " + generation + " of its cut isn't retained any more");
        }
    }

    private void differs(Turn turn, SyncPointMark mark, Cut cut, Digest actual) {
        String reason = "the cut of bitmap '" + cut.bitmap() + "' has the digest " + actual.hex()
                + " in the log; its agent says " + cut.digest().hex();
        warn(turn, "sync point " + mark.key().syncPoint() + ": " + reason);
        switch (mismatches.ofCut(turn.drive(), mark.key(), turn.position())) {
            case FIRST -> republish(turn, cut.generations());
            case AGAIN -> {
                String still = reason + ", even after it was published again";
                refuse(turn, mark, still);
                distrust(turn, cut.generations(), Doubt.digestDiffers(still));
            }
        }
    }

    private void refuse(Turn turn, SyncPointMark mark, String reason) {
        tellUnit(turn, mark, new UnitInput.PartRefused(turn.drive(), mark, reason));
    }

    private void concluded(Turn turn, SyncPointMark mark, Conclusion conclusion) {
        mismatches.cutAgrees(turn.drive(), mark.key());
        if (mark.target() != BackupTarget.ARCHIVE) {
            return;
        }
        switch (conclusion) {
            case Conclusion.Failed(String reason) -> requestAbort(turn, mark, reason);
            case Conclusion.Cancelled() -> requestAbort(turn, mark, "the job was cancelled");
            case Conclusion.Committed committed -> {}
            case Conclusion.Written written -> {}
            case Conclusion.Aborted aborted -> {}
        }
    }

    private void requestAbort(Turn turn, SyncPointMark mark, String reason) {
        UnitId unit = UnitId.of(turn.drive(), mark);
        tellUnit(turn, mark, new UnitInput.Heard(unit, new Outcome.AbortRequested(unit, turn.drive(), reason)));
    }

    /**
     * A control event always asks. An extent after a gap does only if nobody did; and so does a stranger, who may be
     * none, but whom no answer makes one of the line if it is.
     */
    private void requestControl(Turn turn, long from) {
        Long asked = askedFrom.put(turn.drive(), from);
        boolean isStrange = turn.after()
                .filter(state -> !state.line().contains(turn.record().incarnation()))
                .isPresent();
        if ((turn.record().isControl() && !isStrange) || !Objects.equals(asked, from)) {
            warn(turn, "control events from number " + from + " on are missing");
            tellAgent(new Outcome.RepublicationRequested(turn.drive(), from, new TreeSet<>()));
        }
    }

    /** The drive's own agent can't know of strangers: they're seen in the log alone. */
    // I8
    private void distrustSuspect(Turn turn, SyncPointMark mark, String reason) {
        boolean isOwn = turn.after()
                .filter(state -> state.line().getLast().equals(turn.record().incarnation()))
                .isPresent();
        if (isOwn && mark.cut().isPresent()) {
            distrust(turn, mark.cut().get().generations(), Doubt.secondWriter(reason));
        }
    }

    private void distrust(Turn turn, SortedSet<Long> generations, Doubt doubt) {
        tellAgent(new Outcome.RepublicationRequested(
                turn.drive(), turn.record().control(), generations, Optional.of(doubt)));
    }

    private void republish(Turn turn, SortedSet<Long> generations) {
        tellAgent(new Outcome.RepublicationRequested(turn.drive(), turn.record().control(), generations));
    }

    private void suspected(Turn turn, String reason) {
        turn.after().ifPresent(state -> strangeWrites.suspected(state, turn.position()));
        if (turn.before()
                .filter(state -> state.trust() instanceof Trust.Suspect)
                .isEmpty()) {
            warn(turn, reason);
        }
    }

    private void tellUnit(Turn turn, SyncPointMark mark, UnitInput input) {
        String unit = UnitId.of(turn.drive(), mark).toString();
        output.accept(new FoldOutput.ToUnit(unit, input));
    }

    private void tellAgent(Outcome outcome) {
        output.accept(new FoldOutput.ToAgent(outcome));
    }

    private void warn(Turn turn, String text) {
        output.accept(new FoldOutput.Warning("drive " + turn.drive() + ": " + text));
    }
}
