package io.varve.restore;

import io.varve.archive.Catalog;
import io.varve.archive.SyncPoint;
import io.varve.archive.SyncPoint.DriveBackup;
import io.varve.archive.store.ObjectStore;
import io.varve.core.commit.ManifestRef;
import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;
import java.io.IOException;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/** Finds what's asked for in an archive, and refuses what isn't whole: a restore never guesses (I11, I14). */
final class DriveChoice {
    private static final String LIST = "; list what there is with 'varve sync-points'";

    private final ObjectStore store;

    DriveChoice(ObjectStore store) {
        this.store = store;
    }

    /**
     * The manifests to restore from.
     *
     * @param drive empty for all drives of the sync point
     */
    SortedMap<DriveId, ManifestRef> choose(String syncPoint, Optional<String> drive) throws IOException {
        SyncPoint found = find(syncPoint);
        if (found.state() instanceof SyncPoint.State.Aborted(String reason)) {
            throw new RestoreFailedException(
                    "sync point '" + syncPoint + "' was aborted (" + reason + ") and can't be restored" + LIST);
        }
        SortedMap<DriveId, ManifestRef> chosen = new TreeMap<>();
        for (var entry : found.drives().entrySet()) {
            if (drive.isEmpty() || drive.get().equals(entry.getKey().value())) {
                chosen.put(entry.getKey(), whole(syncPoint, entry.getKey(), entry.getValue()));
            }
        }
        if (chosen.isEmpty()) {
            throw new RestoreFailedException("sync point '" + syncPoint + "' has no drive '" + drive.orElse("")
                    + "'; it has " + found.drives().keySet());
        }
        return chosen;
    }

    private SyncPoint find(String syncPoint) throws IOException {
        Optional<SyncPoint> found =
                SyncPointId.isValid(syncPoint) ? new Catalog(store).find(new SyncPointId(syncPoint)) : Optional.empty();
        return found.orElseThrow(() ->
                new RestoreFailedException("there is no sync point '" + syncPoint + "' in " + store.describe() + LIST));
    }

    private ManifestRef whole(String syncPoint, DriveId drive, DriveBackup backup) throws RestoreFailedException {
        String what = "drive '" + drive + "' at sync point '" + syncPoint + "'";
        return switch (backup) {
            case DriveBackup.Committed committed -> committed.ref();
            case DriveBackup.Aborted(String reason) ->
                throw new RestoreFailedException("the backup of " + what + " was aborted (" + reason
                        + "); restore the other drives with --drive, or choose another sync point");
            case DriveBackup.Undecided _ ->
                throw new RestoreFailedException(
                        "the backup of " + what + " isn't committed; try again later, or choose another sync point");
            case DriveBackup.Damaged(String sentence) ->
                throw new RestoreFailedException("the backup of " + what + " can't be restored: " + sentence);
        };
    }
}
