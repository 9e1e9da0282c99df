package io.varve.capture.export;

import java.util.List;
import java.util.Optional;

/**
 * An export that is to be made (QAPI's BlockExportOptions of type nbd in 7.2).
 *
 * @param name as clients ask for it
 * @param allocationDepth whether clients may ask how deep in the chain of images each part lies
 */
public record ExportOrder(
        String id,
        String name,
        String node,
        String description,
        boolean writable,
        List<BitmapName> bitmaps,
        boolean allocationDepth) {
    public ExportOrder {
        bitmaps = List.copyOf(bitmaps);
    }

    /**
     * A dirty bitmap that clients may ask for.
     *
     * @param node where it is; else it's looked for in the exported node and those below
     */
    public record BitmapName(Optional<String> node, String name) {}
}
