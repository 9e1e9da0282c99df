package io.varve.core.fold;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.bits.Extent;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.core.drive.Cut;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Generation;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.event.LogRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A reader of a drive's log that keeps the marks in memory and checks every seal and every cut, as the topology does.
 *
 * <p>A strict one fails at a seal that differs. One that is behind doesn't: the agent may hold the generation no more,
 * and then the log drops or merges it further on (reliability 6.22); what differs still is told by {@link #differing}.
 */
public final class ReadingFold {
    private final Map<Long, Marks> marks = new TreeMap<>();
    private final List<SyncPointMark> offered = new ArrayList<>();
    private final List<Effect> complaints = new ArrayList<>();
    private final Set<Long> differing = new TreeSet<>();
    private final boolean isStrict;
    private Optional<DriveState> state = Optional.empty();

    public ReadingFold() {
        this(true);
    }

    private ReadingFold(boolean isStrict) {
        this.isStrict = isStrict;
    }

    public static ReadingFold behind() {
        return new ReadingFold(false);
    }

    public void read(LogRecord record) {
        Step step = Fold.apply(state, record);
        state = step.state();
        step.effects().forEach(this::perform);
    }

    public DriveState state() {
        return state.orElseThrow();
    }

    public Map<Long, Marks> marks() {
        return marks;
    }

    public List<SyncPointMark> offered() {
        return offered;
    }

    /** Requests and suspicions, in order. */
    public List<Effect> complaints() {
        return complaints;
    }

    /** Retained generations whose marks differ from their seal's: the agent is to publish them again. */
    public Set<Long> differing() {
        return differing;
    }

    public Marks union(Iterable<Long> generations, Granularity granularity) {
        Marks union = Marks.none(granularity, state().sizeBytes());
        generations.forEach(number -> Optional.ofNullable(marks.get(number)).ifPresent(union::union));
        return union;
    }

    private void perform(Effect effect) {
        switch (effect) {
            case Effect.ForgetAll forget -> {
                marks.clear();
                differing.clear();
            }
            case Effect.Mark(Generation generation, List<Extent> extents) -> extents.forEach(of(generation)::mark);
            case Effect.VerifySeal(Generation generation) -> verify(generation);
            case Effect.Drop(long generation) -> {
                marks.remove(generation);
                differing.remove(generation);
            }
            case Effect.Coalesce coalesce -> {
                Marks into = Marks.none(
                        coalesce.into().granularity(), coalesce.into().sizeBytes());
                into.union(of(coalesce.into()));
                coalesce.merged()
                        .forEach(number ->
                                Optional.ofNullable(marks.remove(number)).ifPresent(into::union));
                marks.put(coalesce.into().number(), into);
                differing.removeAll(coalesce.merged());
            }
            case Effect.OfferPart(SyncPointMark mark) -> offer(mark);
            case Effect.RefusePart refused -> complaints.add(refused);
            case Effect.Concluded concluded -> {}
            case Effect.RequestControl request -> complaints.add(request);
            case Effect.Suspected suspected -> complaints.add(suspected);
        }
    }

    private void verify(Generation generation) {
        boolean agrees =
                generation.seal().orElseThrow().digest().equals(of(generation).digest());
        assertTrue(agrees || !isStrict, "digest of generation " + generation.number());
        if (agrees) {
            differing.remove(generation.number());
        } else {
            differing.add(generation.number());
        }
    }

    private void offer(SyncPointMark mark) {
        mark.cut()
                .ifPresent((Cut cut) -> assertEquals(
                        cut.digest(),
                        union(cut.generations(), cut.granularity()).digest(),
                        "digest of the cut"));
        offered.add(mark);
    }

    private Marks of(Generation generation) {
        return marks.computeIfAbsent(
                generation.number(), number -> Marks.none(generation.granularity(), generation.sizeBytes()));
    }
}
