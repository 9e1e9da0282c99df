package io.varve.archive;

import io.varve.archive.SyncPoint.DriveBackup;
import io.varve.archive.SyncPoint.State;
import io.varve.core.commit.UnitId;
import io.varve.core.drive.Completion;
import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/** Gathers what decisions and manifests say of one sync point. Thread: its owner's only. */
final class SyncPointDraft {
    private final SyncPointId id;
    private final SortedMap<DriveId, DriveBackup> drives = new TreeMap<>();
    private Completion completion = Completion.INDIVIDUAL;
    private Optional<String> abortReason = Optional.empty();

    SyncPointDraft(SyncPointId id) {
        this.id = id;
    }

    /** A unit's decision names this drive's backup. */
    void committed(UnitId unit, DriveId drive, DriveBackup backup) {
        mode(unit);
        drives.put(drive, backup);
        if (backup instanceof DriveBackup.Committed whole) {
            whole.manifest().membership().participants().forEach(this::takesPart);
        }
    }

    void aborted(UnitId unit, String reason) {
        mode(unit);
        abortReason = Optional.of(reason);
        unit.drive().ifPresent(drive -> drives.put(drive, new DriveBackup.Aborted(reason)));
    }

    /** A manifest of a unit without a decision. */
    void undecided(Manifest manifest) {
        mode(manifest.unit());
        manifest.membership().participants().forEach(this::takesPart);
    }

    private void takesPart(DriveId drive) {
        drives.putIfAbsent(drive, new DriveBackup.Undecided());
    }

    private void mode(UnitId unit) {
        completion = unit.drive().isPresent() ? Completion.INDIVIDUAL : Completion.GROUPED;
    }

    SyncPoint finish() {
        if (completion == Completion.GROUPED && abortReason.isPresent()) {
            drives.replaceAll((drive, backup) -> new DriveBackup.Aborted(abortReason.get()));
        }
        return new SyncPoint(id, completion, state(), drives);
    }

    private State state() {
        long committed = drives.values().stream()
                .filter(DriveBackup.Committed.class::isInstance)
                .count();
        if (committed > 0) {
            return committed == drives.size() ? new State.Committed() : new State.Partial();
        }
        boolean waiting = drives.values().stream().anyMatch(DriveBackup.Undecided.class::isInstance);
        return abortReason.isPresent() && !waiting ? new State.Aborted(abortReason.get()) : new State.Undecided();
    }
}
