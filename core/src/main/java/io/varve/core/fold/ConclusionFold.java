package io.varve.core.fold;

import io.varve.core.drive.Anchor;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapMode;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.BitmapStatus.Busy;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.Cut;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Trust;
import io.varve.core.drive.UndecidedBackup;
import io.varve.core.drive.UndecidedBackup.Phase;
import io.varve.core.event.DriveEvent.BackupConcluded;
import io.varve.core.event.DriveEvent.CutReduced;
import io.varve.core.id.BitmapName;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What the end of a backup does to its bitmap.
 *
 * <pre>
 *   running    --Committed-->  set = successor, anchored          --Written-->  set = successor, anchor void
 *              --Aborted-->    set = cut + successor              (I3: nothing is lost)
 *              --Failed, Cancelled-->  set = cut + successor; to the archive: put back, still undecided
 *   put back   --Committed-->  drops nothing; anchored, unless voided since
 *              --Aborted-->    nothing to do
 *              with mode ALWAYS, a {@link CutReduced} came before: its cut is what wasn't copied
 * </pre>
 */
final class ConclusionFold {
    private ConclusionFold() {}

    static ControlFold.Folded apply(DriveState state, BackupConcluded concluded) {
        UndecidedBackup backup = state.undecided().get(concluded.backup());
        if (backup == null) {
            return ControlFold.Folded.of(state);
        }
        DriveState after = switch (concluded.conclusion()) {
            case Conclusion.Committed(Anchor anchor) -> committed(state, backup, anchor);
            case Conclusion.Written() -> written(state, backup);
            case Conclusion.Aborted(String reason) -> decided(putBack(state, backup), backup);
            case Conclusion.Failed(String reason) -> failed(state, backup);
            case Conclusion.Cancelled() -> failed(state, backup);
        };
        return ControlFold.Folded.of(after, new Effect.Concluded(backup.mark(), concluded.conclusion()));
    }

    /** The bitmap of a failing backup keeps only what wasn't copied: whoever took the copied bits is no anchor. */
    static DriveState reduced(DriveState state, CutReduced reduced) {
        UndecidedBackup backup = state.undecided().get(reduced.backup());
        Optional<Cut> cut = backup == null ? Optional.empty() : backup.mark().cut();
        if (cut.isEmpty() || cut.get().mode() != BitmapMode.ALWAYS) {
            return state;
        }
        BitmapName name = cut.get().bitmap();
        return state.bitmap(name)
                .filter(b -> b.status() instanceof Busy busy && busy.backup().equals(reduced.backup()))
                .map(b -> ControlFold.voided(state.with(b.withGenerations(reduced.generations())), name))
                .orElse(state);
    }

    private static DriveState committed(DriveState state, UndecidedBackup backup, Anchor anchor) {
        DriveState after = backup.phase() == Phase.RUNNING ? dropCut(state, backup) : state;
        for (BitmapName name : backup.anchors()) {
            after = ControlFold.changed(after, name, b -> b.withAnchor(Optional.of(anchor)));
        }
        if (backup.mark().kind() instanceof BackupKind.Full) {
            after = after.withTrust(new Trust.Sound());
        }
        return decided(after, backup);
    }

    private static DriveState written(DriveState state, UndecidedBackup backup) {
        Optional<Cut> cut = backup.mark().cut();
        if (cut.isEmpty() || cut.get().mode() == BitmapMode.NEVER) {
            return decided(putBack(state, backup), backup);
        }
        return decided(ControlFold.voided(dropCut(state, backup), cut.get().bitmap()), backup);
    }

    private static DriveState failed(DriveState state, UndecidedBackup backup) {
        DriveState after = putBack(state, backup);
        if (backup.mark().target() == BackupTarget.FILE) {
            return ReconcileFold.withoutCollector(decided(after, backup), backup.mark());
        }
        SortedMap<BackupKey, UndecidedBackup> undecided = new TreeMap<>(after.undecided());
        undecided.put(backup.mark().key(), backup.withPhase(Phase.PUT_BACK));
        return after.withUndecided(undecided);
    }

    private static DriveState dropCut(DriveState state, UndecidedBackup backup) {
        return whileBusy(
                state,
                backup,
                (bitmap, busy) -> bitmap.withGenerations(busy.successor()).withSequence(busy.successorSequence()));
    }

    private static DriveState putBack(DriveState state, UndecidedBackup backup) {
        boolean isReplaced = backup.mark()
                .cut()
                .filter(cut -> cut.mode() == BitmapMode.ALWAYS)
                .isPresent();
        return whileBusy(
                state,
                backup,
                (bitmap, busy) -> bitmap.withGenerations(bitmap.allGenerations())
                        .withSequence(isReplaced ? busy.successorSequence() : bitmap.sequence()));
    }

    private interface Release {
        Bitmap of(Bitmap bitmap, Busy busy);
    }

    private static DriveState whileBusy(DriveState state, UndecidedBackup backup, Release release) {
        return backup.mark()
                .cut()
                .map(Cut::bitmap)
                .flatMap(state::bitmap)
                .filter(b -> b.status() instanceof Busy busy
                        && busy.backup().equals(backup.mark().key()))
                .map(b -> {
                    Busy busy = (Busy) b.status();
                    return state.with(release.of(b, busy).withStatus(new BitmapStatus.Idle(busy.recording())));
                })
                .orElse(state);
    }

    static DriveState decided(DriveState state, UndecidedBackup backup) {
        SortedMap<BackupKey, UndecidedBackup> undecided = new TreeMap<>(state.undecided());
        undecided.remove(backup.mark().key());
        return state.withUndecided(undecided);
    }
}
