package io.varve.core.handover;

import io.varve.core.id.IncarnationId;
import java.util.Collections;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * What whoever drives a hand-over does next. It follows from what both sides say now, so a driver that died is replaced
 * by any other one.
 *
 * <pre>
 *   source      target      next
 *   serving     absent      release
 *   released    absent      carry the journal, and have the target attach
 *   released    incoming    carry the missing marks; then complete
 *   absent      incoming    stop, unless none is missing: complete
 *   silent      incoming    likewise
 *   released    serving     have the source forget
 *   absent      serving     done
 *   silent      serving     done, if the target says that it inherited
 *   serving     incoming, serving     stop: two agents have the drive        // I8
 *   absent, silent    absent          stop: nobody has the drive, or nobody says so
 * </pre>
 */
public sealed interface HandoverStep {
    record ReleaseDrive() implements HandoverStep {}

    record Attach(IncarnationId handover) implements HandoverStep {}

    record CarryMarks(IncarnationId handover, SortedSet<Long> generations) implements HandoverStep {
        public CarryMarks {
            generations = Collections.unmodifiableSortedSet(new TreeSet<>(generations));
        }
    }

    record Complete(IncarnationId handover) implements HandoverStep {}

    record Forget(IncarnationId handover) implements HandoverStep {}

    record Done() implements HandoverStep {}

    /** It can't go on. */
    record Stop(String reason) implements HandoverStep {}

    /** The table above. */
    static HandoverStep next(SourceSide source, TargetSide target) {
        return switch (target) {
            case TargetSide.Absent _ ->
                switch (source) {
                    case SourceSide.Serving _ -> new ReleaseDrive();
                    case SourceSide.Released(IncarnationId handover) -> new Attach(handover);
                    case SourceSide.Absent _ ->
                        new Stop("neither agent has the drive; name one that has it with --from");
                    case SourceSide.Silent(String reason) ->
                        new Stop(reason
                                + "; nothing has come to the target yet. Start the source's agent again and repeat"
                                + " this, or name its state folder with --from-state if it had let the drive go");
                };
            case TargetSide.Incoming(IncarnationId handover, SortedSet<Long> missing) ->
                incoming(source, handover, missing);
            case TargetSide.Serving(var line) ->
                switch (source) {
                    case SourceSide.Released(IncarnationId handover)
                    when line.contains(handover) -> new Forget(handover);
                    case SourceSide.Released _, SourceSide.Serving _ -> twoAgents();
                    case SourceSide.Absent _, SourceSide.Silent _ ->
                        line.size() > 1 ? new Done() : new Stop("the target has a drive of that name of its own");
                };
        };
    }

    private static HandoverStep incoming(SourceSide source, IncarnationId handover, SortedSet<Long> missing) {
        return switch (source) {
            case SourceSide.Serving _ -> twoAgents();
            case SourceSide.Released(IncarnationId released) when !released.equals(handover) -> twoAgents();
            case SourceSide.Released _, SourceSide.Absent _, SourceSide.Silent _
            when missing.isEmpty() -> new Complete(handover);
            case SourceSide.Released _ -> new CarryMarks(handover, missing);
            case SourceSide.Absent _ -> new Stop(lost("the source keeps nothing of the drive", missing));
            case SourceSide.Silent(String reason) -> new Stop(lost(reason, missing));
        };
    }

    private static String lost(String reason, SortedSet<Long> missing) {
        return reason + "; the marks of generations " + missing + " are missing. Start the source's agent again and "
                + "repeat this, or name its state folder with --from-state; --give-up does without them, and makes the"
                + " bitmaps that need them inconsistent";
    }

    private static Stop twoAgents() {
        return new Stop("both agents have a drive of that name: let only one of them serve it, and take a full backup");
    }
}
