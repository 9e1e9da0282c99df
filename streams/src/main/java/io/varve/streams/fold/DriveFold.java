package io.varve.streams.fold;

import io.varve.core.bits.Digest;
import io.varve.core.commit.Outcome;
import io.varve.core.commit.Part;
import io.varve.core.commit.UnitId;
import io.varve.core.commit.UnitInput;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.Cut;
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
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Folds the logs of a task's drives and performs what each record asks for: a shell around {@link Fold}. A record that
 * comes again changes no state, but its effects are performed again.
 *
 * <pre>
 *   a seal or a cut has not the agent's digest   the first time   the agent is asked to publish the generations again,
 *                                                                 and all control events from this one on
 *                                                again            the parts that need them are refused
 *   control events are missing                   the agent is asked to publish from the first missing one on
 * </pre>
 *
 * <p>Thread: its task's only.
 */
final class DriveFold {
    private static final Logger LOG = LoggerFactory.getLogger(DriveFold.class);

    private final ProcessorContext<String, FoldOutput> context;
    private final FoldStores stores;

    /** The last control event that was asked for; not stored, since asking once more is harmless. */
    private final Map<DriveId, Long> askedFrom = new HashMap<>();

    DriveFold(ProcessorContext<String, FoldOutput> context, FoldStores stores) {
        this.context = context;
        this.stores = stores;
    }

    /** One record being folded; {@code after} is empty while nothing is known of the drive. */
    private record Turn(LogRecord record, Optional<DriveState> before, Optional<DriveState> after, long timestamp) {
        DriveId drive() {
            return record.drive();
        }

        Optional<Generation> generationBefore(long number) {
            return before.flatMap(
                    state -> Optional.ofNullable(state.generations().get(number)));
        }
    }

    void on(LogRecord record, long timestamp) {
        String key = record.drive().value();
        Optional<DriveState> before = Optional.ofNullable(stores.drives().get(key));
        Step step = Fold.apply(before, record);
        Turn turn = new Turn(record, before, step.state(), timestamp);
        step.effects().forEach(effect -> perform(effect, turn));
        step.state()
                .filter(after -> !before.equals(step.state()))
                .ifPresent(after -> stores.drives().put(key, after));
    }

    private void perform(Effect effect, Turn turn) {
        switch (effect) {
            case Effect.ForgetAll() -> {
                stores.pages().forgetAll(turn.drive());
                stores.mismatches().forgetAll(turn.drive());
            }
            case Effect.Mark(Generation generation, var extents) ->
                stores.pages().mark(turn.drive(), generation, extents);
            case Effect.VerifySeal(Generation generation) -> verify(turn, generation);
            case Effect.Drop(long generation) -> {
                stores.pages().drop(turn.drive(), generation);
                stores.mismatches().sealAgrees(turn.drive(), generation);
            }
            case Effect.Coalesce(SortedSet<Long> merged, Generation into) -> coalesce(turn, merged, into);
            case Effect.OfferPart(SyncPointMark mark) -> offer(turn, mark);
            case Effect.RefusePart(SyncPointMark mark, String reason) -> refuse(turn, mark, reason);
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
        stores.pages().coalesce(turn.drive(), going, intoBefore, into);
    }

    private void verify(Turn turn, Generation generation) {
        DriveState state = turn.after().orElseThrow();
        if (!state.generations().containsKey(generation.number())) {
            return;
        }
        Digest expected = generation.seal().orElseThrow().digest();
        Digest actual = stores.pages().load(turn.drive(), generation).digest();
        if (actual.equals(expected)) {
            stores.mismatches().sealAgrees(turn.drive(), generation.number());
            return;
        }
        LOG.warn(
                "drive {}: generation {} has the digest {} here; its agent says {}",
                turn.drive(),
                generation.number(),
                actual.hex(),
                expected.hex());
        switch (stores.mismatches().ofSeal(turn.drive(), generation.number(), offset())) {
            case FIRST -> republish(turn, new TreeSet<>(List.of(generation.number())));
            case AGAIN -> refuseThoseThatNeed(turn, state, generation);
        }
    }

    private void refuseThoseThatNeed(Turn turn, DriveState state, Generation generation) {
        state.undecided().values().stream()
                .map(backup -> backup.mark())
                .filter(mark -> mark.target() == BackupTarget.ARCHIVE && mark.kind() instanceof BackupKind.Incremental)
                .filter(mark -> mark.cut()
                        .filter(cut -> cut.generations().contains(generation.number()))
                        .isPresent())
                .forEach(mark -> refuse(
                        turn,
                        mark,
                        "generation " + generation.number()
                                + " has not its seal's digest, even after it was published again"));
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
        switch (CutCheck.of(stores.pages(), state, mark, cut)) {
            case CutCheck.Agrees(var packed) -> {
                stores.mismatches().cutAgrees(turn.drive(), mark.key());
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
        LOG.warn("drive {}: sync point {}: {}", turn.drive(), mark.key().syncPoint(), reason);
        switch (stores.mismatches().ofCut(turn.drive(), mark.key(), offset())) {
            case FIRST -> republish(turn, cut.generations());
            case AGAIN -> refuse(turn, mark, reason + ", even after it was published again");
        }
    }

    private void refuse(Turn turn, SyncPointMark mark, String reason) {
        tellUnit(turn, mark, new UnitInput.PartRefused(turn.drive(), mark, reason));
    }

    private void concluded(Turn turn, SyncPointMark mark, Conclusion conclusion) {
        stores.mismatches().cutAgrees(turn.drive(), mark.key());
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

    /** An extent after a gap asks only if nobody did; a control event, which is rare, always. */
    private void requestControl(Turn turn, long from) {
        Long asked = askedFrom.put(turn.drive(), from);
        if (turn.record().isControl() || !Objects.equals(asked, from)) {
            LOG.warn("drive {}: control events from number {} on are missing", turn.drive(), from);
            tellAgent(turn, new Outcome.RepublicationRequested(turn.drive(), from, new TreeSet<>()));
        }
    }

    private void republish(Turn turn, SortedSet<Long> generations) {
        tellAgent(
                turn,
                new Outcome.RepublicationRequested(turn.drive(), turn.record().control(), generations));
    }

    private static void suspected(Turn turn, String reason) {
        if (turn.before()
                .filter(state -> state.trust() instanceof Trust.Suspect)
                .isEmpty()) {
            LOG.warn("drive {}: {}", turn.drive(), reason);
        }
    }

    private void tellUnit(Turn turn, SyncPointMark mark, UnitInput input) {
        String unit = UnitId.of(turn.drive(), mark).toString();
        context.forward(new Record<>(unit, new FoldOutput.ToUnit(input), turn.timestamp()));
    }

    private void tellAgent(Turn turn, Outcome outcome) {
        context.forward(new Record<>(turn.drive().value(), new FoldOutput.ToAgent(outcome), turn.timestamp()));
    }

    private long offset() {
        return context.recordMetadata().map(RecordMetadata::offset).orElseThrow();
    }
}
