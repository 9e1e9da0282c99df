package io.varve.core.commit;

import io.varve.core.drive.BackupKey;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.Doubt;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.drive.UndecidedBackup;
import io.varve.core.id.DriveId;
import java.util.Collections;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * What an outcome asks a drive's agent to do. Whatever isn't about an undecided backup of the archive asks nothing: a
 * decision that comes again, or of a unit that this drive doesn't know, changes nothing (I3).
 */
public sealed interface AgentStep {
    /** Tell how far a running backup is. */
    record Report(UnitId unit, long copiedBytes, long totalBytes) implements AgentStep {}

    /** Write down how a backup ended. */
    record Conclude(BackupKey backup, Conclusion conclusion) implements AgentStep {}

    /**
     * Publish again.
     *
     * @param fromControl control events from this one on
     * @param generations whose marks and seals are to come again; empty for all marks
     */
    record Republish(long fromControl, SortedSet<Long> generations) implements AgentStep {
        public Republish {
            generations = Collections.unmodifiableSortedSet(new TreeSet<>(generations));
        }
    }

    /**
     * Mark bitmaps inconsistent: those that hold one of these generations. Where the log's digest differs, only if the
     * generations were published again since that was asked for; else do that.
     *
     * @param otherwise what to publish then
     */
    record Distrust(Doubt doubt, Republish otherwise) implements AgentStep {}

    /** Leave the unit undecided: the decision isn't one that this drive can obey. */
    record Refuse(String reason) implements AgentStep {}

    record Nothing() implements AgentStep {}

    /** What {@code outcome}, which is about the drive of {@code state}, asks for. */
    static AgentStep of(DriveState state, Outcome outcome) {
        return switch (outcome) {
            case Outcome.Progress(var unit, var drive, int attempt, long copiedBytes, long totalBytes) ->
                undecided(state, unit)
                        .filter(backup -> backup.phase() == UndecidedBackup.Phase.RUNNING)
                        .<AgentStep>map(backup -> new Report(unit, copiedBytes, totalBytes))
                        .orElseGet(Nothing::new);
            case Outcome.Decided(var unit, var drive, var verdict) ->
                undecided(state, unit)
                        .map(backup -> decided(state.drive(), backup.mark(), verdict))
                        .orElseGet(Nothing::new);
            case Outcome.RepublicationRequested(var drive, long fromControl, var generations, var doubt) -> {
                SortedSet<Long> retained = new TreeSet<>(generations);
                retained.retainAll(state.generations().keySet());
                if (!generations.isEmpty() && retained.isEmpty()) {
                    // What the reader finds wanting is dropped or merged further on in the log (reliability 6.22). To
                    // go back for it each time that it's missed would keep the reader from ever coming there.
                    yield new Nothing();
                }
                Republish republish = new Republish(fromControl, retained);
                yield doubt.<AgentStep>map(why -> new Distrust(why, republish)).orElse(republish);
            }
            case Outcome.Copied copied -> new Nothing();
            case Outcome.CopyFailed failed -> new Nothing();
            case Outcome.AbortRequested requested -> new Nothing();
        };
    }

    /** The units of backups whose bits were put back and whose decision isn't known: it is to be asked for. */
    static Set<UnitId> toAskFor(DriveState state) {
        return state.undecided().values().stream()
                .filter(AgentStep::isOfArchive)
                .filter(backup -> backup.phase() == UndecidedBackup.Phase.PUT_BACK)
                .map(backup -> UnitId.of(state.drive(), backup.mark()))
                .collect(Collectors.toSet());
    }

    private static Optional<UndecidedBackup> undecided(DriveState state, UnitId unit) {
        return state.undecided().values().stream()
                .filter(AgentStep::isOfArchive)
                .filter(backup -> UnitId.of(state.drive(), backup.mark()).equals(unit))
                .findFirst();
    }

    /** A drive may be backed up to files, too, in the same transaction: those have no unit. */
    private static boolean isOfArchive(UndecidedBackup backup) {
        return backup.mark().target() == BackupTarget.ARCHIVE;
    }

    private static AgentStep decided(DriveId drive, SyncPointMark mark, Verdict verdict) {
        return switch (verdict) {
            case Verdict.Aborted(String reason) -> new Conclude(mark.key(), new Conclusion.Aborted(reason));
            case Verdict.Committed(var manifests) -> {
                ManifestRef manifest = manifests.get(drive);
                if (manifest == null) {
                    yield new Refuse(
                            "it is committed without a manifest of the drive; it has those of " + manifests.keySet());
                }
                if (mark.kind() instanceof BackupKind.Incremental(var parent) && parent.isEmpty()) {
                    yield new Refuse("it is committed as an increment, and the drive knows no parent of it");
                }
                yield new Conclude(mark.key(), new Conclusion.Committed(manifest.anchor(mark)));
            }
        };
    }
}
