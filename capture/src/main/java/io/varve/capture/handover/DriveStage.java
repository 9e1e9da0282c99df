package io.varve.capture.handover;

import io.varve.core.handover.SourceSide;
import io.varve.core.handover.TargetSide;
import io.varve.core.id.IncarnationId;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Where one agent is with a drive: for whoever drives a hand-over, which may be its source or its target.
 *
 * @param handover whose hand-over, where there's one
 * @param missing generations whose marks are still to come
 * @param line of the drive's incarnations, where it's attached
 */
public record DriveStage(
        Stage stage, Optional<IncarnationId> handover, SortedSet<Long> missing, List<IncarnationId> line) {
    /** What QMP calls it. */
    public enum Stage {
        ABSENT,
        SERVING,
        RELEASED,
        INCOMING
    }

    public DriveStage {
        missing = new TreeSet<>(missing);
        line = List.copyOf(line);
    }

    static DriveStage absent() {
        return new DriveStage(Stage.ABSENT, Optional.empty(), new TreeSet<>(), List.of());
    }

    public static DriveStage released(IncarnationId handover) {
        return new DriveStage(Stage.RELEASED, Optional.of(handover), new TreeSet<>(), List.of());
    }

    static DriveStage of(TargetSide target) {
        return switch (target) {
            case TargetSide.Absent _ -> absent();
            case TargetSide.Incoming(IncarnationId handover, SortedSet<Long> missing) ->
                new DriveStage(Stage.INCOMING, Optional.of(handover), missing, List.of());
            case TargetSide.Serving(var line) -> new DriveStage(Stage.SERVING, Optional.empty(), new TreeSet<>(), line);
        };
    }

    /** As the source of a hand-over. */
    public SourceSide asSource() {
        return switch (stage) {
            case ABSENT -> new SourceSide.Absent();
            case SERVING, INCOMING -> new SourceSide.Serving();
            case RELEASED -> new SourceSide.Released(handover.orElseThrow());
        };
    }

    /** As its target: a drive that was handed over before may come back. */
    public TargetSide asTarget() {
        return switch (stage) {
            case ABSENT, RELEASED -> new TargetSide.Absent();
            case SERVING -> new TargetSide.Serving(line);
            case INCOMING -> new TargetSide.Incoming(handover.orElseThrow(), missing);
        };
    }
}
