package io.varve.restore.compare;

import io.varve.archive.Catalog;
import io.varve.archive.Manifest;
import io.varve.archive.SyncPoint;
import io.varve.archive.SyncPoint.DriveBackup;
import io.varve.archive.store.ObjectStore;
import io.varve.core.commit.ManifestRef;
import io.varve.core.drive.Anchor;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;
import java.io.IOException;
import java.util.Optional;

/** A drive's backup at a sync point of an archive, on which an increment can lie. */
public record ChainHead(ManifestRef ref, Manifest manifest) {

    /**
     * The latest committed backup of a drive that was made with a bitmap. Which one it is, is a matter of cost: a bitmap
     * that holds what differs from any committed one is right.
     *
     * @throws IOException in one sentence, also when there's none
     */
    public static ChainHead latest(ObjectStore store, DriveId drive, BitmapName bitmap) throws IOException {
        Optional<ChainHead> latest = Optional.empty();
        for (SyncPoint point : new Catalog(store).list()) {
            Optional<ChainHead> head = of(point, drive).filter(found -> found.isOf(bitmap));
            latest = head.isPresent() ? head : latest;
        }
        return latest.orElseThrow(() -> new IOException(store.describe() + " holds no committed backup of drive '"
                + drive + "' with bitmap '" + bitmap + "', so there's nothing to compare the drive with: take a full "
                + "one, with 'varve backup " + drive + "'"));
    }

    /**
     * The drive's backup at a sync point.
     *
     * @throws IOException in one sentence, also when it isn't committed
     */
    public static ChainHead at(ObjectStore store, String syncPoint, DriveId drive) throws IOException {
        Optional<SyncPoint> found =
                SyncPointId.isValid(syncPoint) ? new Catalog(store).find(new SyncPointId(syncPoint)) : Optional.empty();
        return found.flatMap(point -> of(point, drive))
                .orElseThrow(() -> new IOException("sync point '" + syncPoint + "' has no committed backup of drive '"
                        + drive + "' in " + store.describe() + "; list what there is with 'varve sync-points'"));
    }

    private static Optional<ChainHead> of(SyncPoint point, DriveId drive) {
        return Optional.ofNullable(point.drives().get(drive))
                .flatMap(backup -> backup instanceof DriveBackup.Committed(ManifestRef ref, Manifest manifest)
                        ? Optional.of(new ChainHead(ref, manifest))
                        : Optional.empty());
    }

    /** One that no bitmap was copied for began with bitmaps that its transaction added. */
    private boolean isOf(BitmapName bitmap) {
        return manifest.cut().map(cut -> cut.bitmap().equals(bitmap)).orElse(true);
    }

    /** What an increment on it names. */
    public Anchor anchor() {
        return new Anchor(
                manifest.membership().syncPoint(),
                manifest.name().chain(),
                manifest.name().sequence(),
                ref.key(),
                ref.sha256());
    }
}
