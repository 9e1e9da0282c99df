package io.varve.capture.hmp;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Locale;
import java.util.Optional;

/**
 * What {@code info block} prints, made of what query-block and query-named-block-nodes tell (QEMU's block-hmp-cmds.c).
 */
final class BlockText {
    private static final String NEWLINE = "\r\n";

    private final StringBuilder text = new StringBuilder();
    private final boolean verbose;

    /** @param verbose with all images */
    BlockText(boolean verbose) {
        this.verbose = verbose;
    }

    /** Devices, or only that one. */
    String devices(JsonNode blocks, Optional<String> only) {
        boolean isFirst = true;
        for (JsonNode block : blocks) {
            String id = block.path("device").asText();
            if (only.isEmpty() || only.get().equals(id)) {
                text.append(isFirst ? "" : NEWLINE);
                device(block, id);
            }
            isFirst = false;
        }
        return text.toString();
    }

    /** Nodes, or only that one. */
    String nodes(JsonNode nodes, Optional<String> only) {
        boolean isFirst = true;
        for (JsonNode node : nodes) {
            String name = node.path("node-name").asText();
            if (only.isEmpty() || only.get().equals(name)) {
                text.append(isFirst ? "" : NEWLINE).append(name);
                place(node);
                inserted(node);
            }
            isFirst = false;
        }
        return text.toString();
    }

    private void device(JsonNode block, String id) {
        JsonNode inserted = block.path("inserted");
        String node = inserted.path("node-name").asText();
        String name = id.isEmpty() ? block.path("qdev").asText() : id;
        text.append(name.isEmpty() ? node : name);
        if (!name.isEmpty() && !node.isEmpty()) {
            text.append(" (").append(node).append(')');
        }
        if (inserted.isMissingNode()) {
            text.append(": [not inserted]").append(NEWLINE);
        } else {
            place(inserted);
        }
        if (block.has("qdev")) {
            line("Attached to:", block.get("qdev").asText());
        }
        if (block.path("removable").asBoolean()) {
            line(
                    "Removable device:",
                    (block.path("locked").asBoolean() ? "" : "not ") + "locked, tray "
                            + (block.path("tray_open").asBoolean() ? "open" : "closed"));
        }
        if (!inserted.isMissingNode()) {
            inserted(inserted);
        }
    }

    private void place(JsonNode node) {
        text.append(": ").append(node.path("file").asText());
        text.append(" (").append(node.path("drv").asText());
        text.append(node.path("ro").asBoolean() ? ", read-only)" : ")").append(NEWLINE);
    }

    private void inserted(JsonNode node) {
        JsonNode cache = node.path("cache");
        line(
                "Cache mode:",
                (cache.path("writeback").asBoolean() ? "writeback" : "writethrough")
                        + (cache.path("direct").asBoolean() ? ", direct" : "")
                        + (cache.path("no-flush").asBoolean() ? ", ignore flushes" : ""));
        if (node.has("backing_file")) {
            line(
                    "Backing file:",
                    node.get("backing_file").asText() + " (chain depth: "
                            + node.path("backing_file_depth").asInt() + ")");
        }
        if (!node.path("detect_zeroes").asText("off").equals("off")) {
            line("Detect zeroes:", node.get("detect_zeroes").asText());
        }
        if (verbose) {
            text.append(NEWLINE).append("Images:").append(NEWLINE);
            for (JsonNode image = node.path("image"); !image.isMissingNode(); image = image.path("backing-image")) {
                image(image);
            }
        }
    }

    private void image(JsonNode image) {
        plain("image", image.path("filename").asText());
        plain("file format", image.path("format").asText());
        long bytes = image.path("virtual-size").asLong();
        plain("virtual size", size(bytes) + " (" + bytes + " bytes)");
        plain(
                "disk size",
                image.has("actual-size") ? size(image.get("actual-size").asLong()) : "unavailable");
        if (image.has("cluster-size")) {
            plain("cluster_size", image.get("cluster-size").asText());
        }
        if (image.has("backing-filename")) {
            plain("backing file", backing(image));
            plain("backing file format", image.path("backing-filename-format").asText());
        }
        JsonNode specific = image.path("format-specific").path("data");
        if (!specific.isMissingNode()) {
            text.append("Format specific information:").append(NEWLINE);
            members(specific, "    ");
        }
    }

    private void members(JsonNode object, String indent) {
        object.properties().forEach(member -> {
            text.append(indent).append(member.getKey().replace('-', ' '));
            value(member.getValue(), indent);
        });
    }

    private void elements(JsonNode array, String indent) {
        int index = 0;
        for (JsonNode element : array) {
            text.append(indent).append('[').append(index++).append(']');
            value(element, indent);
        }
    }

    /** Behind a name: what has parts stands below it, further in. */
    private void value(JsonNode value, String indent) {
        text.append(value.isContainerNode() ? ":" : ": " + value.asText()).append(NEWLINE);
        if (value.isObject()) {
            members(value, indent + "    ");
        } else if (value.isArray()) {
            elements(value, indent + "    ");
        }
    }

    private static String backing(JsonNode image) {
        String named = image.get("backing-filename").asText();
        String full = image.path("full-backing-filename").asText(named);
        return named.equals(full) ? named : named + " (actual path: " + full + ")";
    }

    private void line(String label, String value) {
        text.append(String.format(Locale.ROOT, "    %-17s %s", label, value)).append(NEWLINE);
    }

    private void plain(String label, String value) {
        text.append(label).append(": ").append(value).append(NEWLINE);
    }

    /** Three digits, as QEMU's size_to_str writes them. */
    private static String size(long bytes) {
        String[] units = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
        int unit = 0;
        double value = bytes;
        while (value >= 1000 && unit < units.length - 1) {
            value /= 1024;
            unit++;
        }
        int digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
        String number = String.format(Locale.ROOT, "%." + digits + "f", value);
        return (number.contains(".") ? number.replaceAll("\\.?0+$", "") : number) + " " + units[unit];
    }
}
