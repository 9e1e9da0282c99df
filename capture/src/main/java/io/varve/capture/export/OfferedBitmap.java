package io.varve.capture.export;

import io.varve.capture.node.Node;
import io.varve.core.drive.Bitmap;
import io.varve.core.id.DriveId;
import io.varve.formats.nbd.StatusExtent;

/** A bitmap that clients of an export may ask for, of whatever node. */
record OfferedBitmap(Node node, DriveId drive, Bitmap bitmap) {
    String context() {
        return StatusExtent.DIRTY_BITMAP_PREFIX + bitmap.name();
    }
}
