package io.varve.cli.handover;

import io.varve.capture.handover.Chunk;
import io.varve.capture.handover.Part;
import io.varve.core.handover.HandoverStep;
import io.varve.core.handover.SourceSide;
import io.varve.core.handover.TargetSide;
import io.varve.core.id.IncarnationId;
import java.io.IOException;
import java.util.Optional;
import java.util.SortedSet;
import java.util.function.Consumer;

/**
 * Takes one drive's hand-over from wherever it is to its end, one step after the other ({@link HandoverStep}). What it
 * knows, both agents know: should it die, another run goes on. Thread: its owner's only.
 */
public final class HandoverRun {
    private final HandoverSource source;
    private final AgentDrive target;
    private final Terms terms;
    private final Consumer<String> told;

    /**
     * How the drive is handed over.
     *
     * @param to the target's name, for people to read at the source
     * @param isCopied whether the target has a copy of the image
     * @param image the target's, as the command line names it; the one that it was started with when empty
     * @param isReleaseOnly whether to end when the source has let the drive go, so that its image can be copied
     * @param isGivingUp whether to do without marks that nobody has any more
     */
    public record Terms(
            String to, boolean isCopied, Optional<String> image, boolean isReleaseOnly, boolean isGivingUp) {}

    /** How it ended. */
    public sealed interface End {
        /** The target has the drive. */
        record Done() implements End {}

        /** The source has let it go, and that's all that was asked for. */
        record Released() implements End {}

        /** It can't go on, and why. */
        record Stopped(String reason) implements End {}
    }

    /** @param told hears of each step that's done */
    public HandoverRun(HandoverSource source, AgentDrive target, Terms terms, Consumer<String> told) {
        this.source = source;
        this.target = target;
        this.terms = terms;
        this.told = told;
    }

    /**
     * Runs to the end.
     *
     * @throws IOException in one sentence, when an agent refuses a step or goes away; another run goes on from there
     */
    public End run() throws IOException, InterruptedException {
        Optional<HandoverStep> before = Optional.empty();
        while (true) {
            SourceSide from = source.side();
            if (terms.isReleaseOnly() && from instanceof SourceSide.Released) {
                return new End.Released();
            }
            TargetSide to = target.targetSide();
            HandoverStep next = HandoverStep.next(from, to);
            if (before.equals(Optional.of(next))) {
                throw new IOException("the hand-over doesn't go on: " + next + " was done, and is to be done again; "
                        + "the source says " + from + ", the target " + to);
            }
            before = Optional.of(next);
            switch (next) {
                case HandoverStep.ReleaseDrive _ -> {
                    source.release(terms.to());
                    told.accept("the source has let it go");
                }
                case HandoverStep.Attach(IncarnationId handover) -> attach(handover);
                case HandoverStep.CarryMarks(IncarnationId handover, SortedSet<Long> generations) -> {
                    for (long generation : generations) {
                        carry(source, target, handover, new Part.OfGeneration(generation));
                    }
                    told.accept("the marks of " + generations.size() + " generations have come");
                }
                case HandoverStep.Complete(IncarnationId handover) -> {
                    target.complete(handover);
                    told.accept("its bitmaps are whole at the target");
                }
                case HandoverStep.Forget(IncarnationId handover) -> source.forget(handover);
                case HandoverStep.Done _ -> {
                    return new End.Done();
                }
                case HandoverStep.Stop(String reason) -> {
                    if (!terms.isGivingUp()
                            || !(to instanceof TargetSide.Incoming(IncarnationId handover, var missing))
                            || !isGone(from)) {
                        return new End.Stopped(reason);
                    }
                    target.giveUp(handover, "the source is gone");
                    told.accept("the marks of generations " + missing + " are given up");
                }
            }
        }
    }

    private static boolean isGone(SourceSide source) {
        return source instanceof SourceSide.Absent || source instanceof SourceSide.Silent;
    }

    private void attach(IncarnationId handover) throws IOException, InterruptedException {
        carry(source, target, handover, new Part.OfJournal());
        target.attach(handover, terms.isCopied(), terms.image());
        told.accept("the target serves it");
    }

    static void carry(HandoverSource source, AgentDrive target, IncarnationId handover, Part part)
            throws IOException, InterruptedException {
        int offsetBytes = 0;
        Chunk chunk;
        do {
            chunk = source.read(handover, part, offsetBytes);
            target.write(handover, part, chunk);
            offsetBytes = chunk.endBytes();
        } while (offsetBytes < chunk.sizeBytes() && chunk.data().hasRemaining());
    }
}
