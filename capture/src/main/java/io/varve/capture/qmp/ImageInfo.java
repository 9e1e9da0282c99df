package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.capture.backend.AllocatedSpace;
import io.varve.capture.backend.qcow2.Qcow2Backend;
import io.varve.capture.node.Node;
import io.varve.formats.qcow2.BitmapEntry;
import io.varve.formats.qcow2.DriveHeader;
import java.io.IOException;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Images as QMP describes them (QAPI's ImageInfo in 7.2). */
final class ImageInfo {
    /** QEMU counts an image's size in these. */
    private static final long SECTOR_BYTES = 512;

    private static final int REFCOUNT_BITS_MAX = 64;

    private static final Logger LOG = LoggerFactory.getLogger(ImageInfo.class);

    private ImageInfo() {}

    /** @param withBacking with the images under it */
    static ObjectNode of(Node node, boolean withBacking) {
        ObjectNode image = JsonText.object();
        image.put("virtual-size", Math.ceilDiv(node.backend().sizeBytes(), SECTOR_BYTES) * SECTOR_BYTES);
        image.put("filename", node.filename());
        image.put("format", node.driver());
        actualBytes(node).ifPresent(bytes -> image.put("actual-size", bytes));
        image.put("dirty-flag", false);
        node.qcow2().ifPresent(qcow2 -> describe(qcow2, image));
        if (node.backing().isPresent()) {
            Node backing = node.backing().get();
            String named =
                    node.qcow2().flatMap(qcow2 -> qcow2.header().backingName()).orElse(backing.filename());
            image.put("backing-filename", named);
            image.put("full-backing-filename", backing.filename());
            image.put("backing-filename-format", backing.driver());
            if (withBacking) {
                image.set("backing-image", of(backing, true));
            }
        }
        return image;
    }

    private static void describe(Qcow2Backend qcow2, ObjectNode image) {
        DriveHeader header = qcow2.header();
        image.put("cluster-size", header.clusterSize().bytes());
        ObjectNode specific = image.putObject("format-specific");
        specific.put("type", "qcow2");
        ObjectNode data = specific.putObject("data");
        data.put("compat", header.version() >= 3 ? "1.1" : "0.10");
        data.put(
                "compression-type",
                switch (header.compression()) {
                    case ZSTD -> "zstd";
                    case DEFLATE -> "zlib";
                });
        data.put("refcount-bits", Math.min(1 << header.refcountOrder(), REFCOUNT_BITS_MAX));
        if (header.version() >= 3) {
            data.put("lazy-refcounts", false);
            data.put("corrupt", false);
            data.put("extended-l2", false);
            addBitmaps(qcow2, data);
        }
    }

    /** As the file has them at present; left out when it can't be read. */
    private static void addBitmaps(Qcow2Backend qcow2, ObjectNode data) {
        try {
            for (BitmapEntry entry : qcow2.bitmapEntries()) {
                ObjectNode bitmap = data.withArray("bitmaps").addObject();
                ArrayNode flags = bitmap.putArray("flags");
                if (entry.inUse()) {
                    flags.add("in-use");
                }
                if (entry.auto()) {
                    flags.add("auto");
                }
                bitmap.put("name", entry.name());
                bitmap.put("granularity", 1L << entry.granularityBits());
            }
        } catch (IOException e) {
            LOG.debug("the bitmaps of an image can't be listed: {}", e.toString());
        }
    }

    private static OptionalLong actualBytes(Node node) {
        return node.path().map(AllocatedSpace::ofFile).orElse(OptionalLong.empty());
    }
}
