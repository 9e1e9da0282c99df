package io.varve.core.handover;

import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Generation;
import io.varve.core.drive.ImageIdentity;
import io.varve.core.drive.UndecidedBackup;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.id.IncarnationId;
import java.util.List;
import java.util.Optional;

/**
 * The source's side of a hand-over: what is told by the last record of its journal alone, so that a kill at any moment
 * leaves one of these.
 *
 * <pre>
 *   serving    --release-->    released    writes have ended, all is sealed, {@code DriveHandedOver} is durable
 *   released   --take back-->  serving     by a new incarnation, if the image is as it was left
 *   released   --the target inherits-->    the source's records are a zombie's from here on    // I8
 * </pre>
 *
 * <p>A hand-over is named by the incarnation that released the drive: it does so once, and is in the drive's line for
 * ever.
 */
public final class Release {
    private Release() {}

    /** Why the drive can't be handed over now, in one sentence; empty when it can. */
    public static Optional<String> objection(DriveState state) {
        for (UndecidedBackup backup : state.undecided().values()) {
            if (backup.phase() == UndecidedBackup.Phase.RUNNING) {
                return Optional.of("drive '" + state.drive() + "' can't be handed over while its backup "
                        + backup.mark().key().syncPoint() + " runs: wait for its end, or cancel it");
            }
        }
        return state.bitmaps().values().stream()
                .filter(bitmap -> bitmap.status() instanceof BitmapStatus.Incoming)
                .findFirst()
                .map(bitmap -> "drive '" + state.drive() + "' can't be handed over: the bits of its bitmap '"
                        + bitmap.name() + "' are still coming from another agent; end that hand-over first");
    }

    /**
     * The last events of the source.
     *
     * @param open what the open generation holds, in which no write is in flight
     */
    public static List<DriveEvent> events(DriveState state, Generation.Seal open, ImageIdentity left, String to) {
        return List.of(
                new DriveEvent.GenerationSealed(
                        state.open().number(), open.dirtyBytes(), open.digest(), state.trackingGranularity()),
                new DriveEvent.DriveHandedOver(left, to));
    }

    /** The hand-over that a journal's records end with; empty when the drive is still, or again, its agent's. */
    public static Optional<IncarnationId> of(List<LogRecord> records) {
        return !records.isEmpty() && records.getLast().event() instanceof DriveEvent.DriveHandedOver
                ? Optional.of(records.getLast().incarnation())
                : Optional.empty();
    }
}
