package io.varve.schemas;

import io.varve.core.drive.Anchor;
import io.varve.core.id.DriveId;

/**
 * One drive of one committed sync point, as the catalog knows it; the archive's manifests are the truth.
 *
 * @param anchor where it stands in its chain, and its manifest
 * @param storedBytes of the image object
 */
public record CatalogEntry(DriveId drive, Anchor anchor, long storedBytes) {
    /** The key of its record. */
    public String key() {
        return drive + "/" + anchor.syncPoint();
    }
}
