package io.varve.core.fold;

import io.varve.core.drive.Anchor;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Recording;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.drive.Trust;
import io.varve.core.drive.UndecidedBackup;
import io.varve.core.event.DriveEvent.BitmapReconciled;
import io.varve.core.id.BitmapName;
import java.util.Optional;

/**
 * What a reconcile does to its bitmap. It begins with the mark of a point in time that's only read: target FILE, no
 * cut. The one bitmap that this mark would anchor is the <em>collector</em>: it was added with the mark, so that it
 * holds every write since, and takes in what differs.
 *
 * <pre>
 *   collector  --BitmapReconciled-->           the bitmap has its generations, and records;  the collector goes
 *              anchor not voided since         the bitmap is anchored, the drive sound
 *              voided by a stranger's record   no anchor, and the drive stays suspect                        // I8
 *              --Failed, Cancelled-->          the bitmap is as it was;                      the collector goes
 * </pre>
 */
final class ReconcileFold {
    private ReconcileFold() {}

    static DriveState apply(DriveState state, BitmapReconciled reconciled) {
        UndecidedBackup backup = state.undecided().get(reconciled.point());
        Optional<BitmapName> name = backup == null ? Optional.empty() : collector(backup.mark());
        Optional<Bitmap> collector = name.flatMap(state::bitmap).filter(Bitmap::isRecording);
        if (backup == null || collector.isEmpty() || isBusy(state, reconciled.bitmap())) {
            return state;
        }
        boolean isProven = backup.anchors().contains(name.get());
        Optional<Anchor> anchor = reconciled.anchor().filter(_ -> isProven);
        // A backup that is found to be committed later must not anchor to what the comparison knew nothing of.
        DriveState voided = ControlFold.voided(state, reconciled.bitmap());
        DriveState after = voided.with(filled(voided, reconciled.bitmap(), collector.get())
                .withStatus(new BitmapStatus.Idle(Recording.ENABLED))
                .withAnchor(anchor));
        after = anchor.isPresent() ? after.withTrust(new Trust.Sound()) : after;
        return ConclusionFold.decided(ControlFold.removed(after, name.get()), backup);
    }

    /** The state without the bitmap that a reconcile collected with, which has ended without a result. */
    static DriveState withoutCollector(DriveState state, SyncPointMark mark) {
        return collector(mark).map(name -> ControlFold.removed(state, name)).orElse(state);
    }

    private static Optional<BitmapName> collector(SyncPointMark mark) {
        return mark.target() == BackupTarget.FILE && !mark.anchors().isEmpty()
                ? Optional.of(mark.anchors().first())
                : Optional.empty();
    }

    private static boolean isBusy(DriveState state, BitmapName name) {
        return state.bitmap(name)
                .filter(bitmap -> bitmap.status() instanceof BitmapStatus.Busy)
                .isPresent();
    }

    private static Bitmap filled(DriveState state, BitmapName name, Bitmap collector) {
        return state.bitmap(name)
                .orElseGet(() -> new Bitmap(
                        name,
                        collector.granularity(),
                        true,
                        collector.status(),
                        Optional.empty(),
                        collector.generations(),
                        state.control() + 1))
                .withGenerations(collector.generations());
    }
}
