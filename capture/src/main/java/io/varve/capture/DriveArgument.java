package io.varve.capture;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.BackendAccess;
import io.varve.capture.backend.RawFileBackend;
import io.varve.capture.backend.qcow2.BackingRule;
import io.varve.capture.backend.qcow2.Qcow2Backend;
import io.varve.capture.node.NodeOptions;
import io.varve.capture.node.NodeSpec;
import io.varve.capture.node.NodeSpec.ChildSpec;
import io.varve.core.bits.Granularity;
import io.varve.core.id.DriveId;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A drive as the command line names it: {@code NAME=PATH[,format=raw|qcow2][,backing=on][,granularity=BYTES]}. The
 * format is stated or raw, and never probed: a guest can write any header into its disk. Backing files of a qcow2 image
 * are followed only when that's asked for. A comma in the path is written twice, as QEMU has it.
 *
 * @param format QEMU's name
 * @param backing whether an image may have backing files
 * @param granularity of bitmaps that are added without one
 */
public record DriveArgument(
        DriveId drive, Path image, String format, BackingRule backing, Optional<Granularity> granularity) {
    private static final String EXPECTED = "; expected NAME=PATH[,format=raw|qcow2][,backing=on][,granularity=BYTES]";
    private static final String RAW = "raw";
    private static final String QCOW2 = "qcow2";

    /**
     * Reads a drive.
     *
     * @throws IllegalArgumentException in one sentence
     */
    public static DriveArgument parse(String text) {
        int equals = text.indexOf('=');
        if (equals <= 0) {
            throw new IllegalArgumentException("'" + text + "' names no drive" + EXPECTED);
        }
        DriveId drive = new DriveId(text.substring(0, equals));
        String[] parts = text.substring(equals + 1).replace(",,", "\0").split(",", -1);
        String path = parts[0].replace('\0', ',');
        if (path.isEmpty()) {
            throw new IllegalArgumentException("drive '" + drive + "' has no image" + EXPECTED);
        }
        String format = RAW;
        BackingRule backing = BackingRule.REFUSE;
        Optional<Granularity> granularity = Optional.empty();
        for (int index = 1; index < parts.length; index++) {
            String option = parts[index];
            if (option.startsWith("granularity=")) {
                granularity = Optional.of(granularity(drive, option.substring("granularity=".length())));
            } else if (option.equals("format=" + RAW) || option.equals("format=" + QCOW2)) {
                format = option.substring("format=".length());
            } else if (option.equals("backing=on") || option.equals("backing=off")) {
                backing = option.endsWith("on") ? BackingRule.FOLLOW : BackingRule.REFUSE;
            } else {
                throw new IllegalArgumentException(objection(drive, option));
            }
        }
        if (backing == BackingRule.FOLLOW && !format.equals(QCOW2)) {
            throw new IllegalArgumentException("drive '" + drive + "' has backing=on and the format " + format
                    + "; expected format=qcow2, as other formats have no backing files");
        }
        return new DriveArgument(drive, Path.of(path), format, backing, granularity);
    }

    /**
     * Opens and locks the image.
     *
     * @throws IOException in one sentence
     */
    public Backend open(BackendAccess access) throws IOException {
        return format.equals(QCOW2) ? Qcow2Backend.open(image, access, backing) : RawFileBackend.open(image, access);
    }

    /** The disk that this makes. */
    GraphPlan.Disk disk() {
        ChildSpec file = new ChildSpec.Inline(new NodeSpec.FileNode(NodeOptions.DEFAULT, "file", image.toString()));
        NodeSpec spec = format.equals(QCOW2)
                ? new NodeSpec.Qcow2(NodeOptions.DEFAULT, file, new NodeSpec.Backing.OfHeader(backing))
                : new NodeSpec.Raw(NodeOptions.DEFAULT, file);
        return new GraphPlan.Disk(
                drive.value(), new GraphPlan.Medium.Own(spec), granularity.map(Granularity::bytes), "");
    }

    private static String objection(DriveId drive, String option) {
        return option.startsWith("format=")
                ? "drive '" + drive + "' has the format '" + option.substring("format=".length())
                        + "', which can't be captured; expected " + RAW + " or " + QCOW2
                : "drive '" + drive + "' has the unknown option '" + option + "'" + EXPECTED;
    }

    private static Granularity granularity(DriveId drive, String digits) {
        try {
            return new Granularity(Long.parseLong(digits));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "drive '" + drive + "' has the granularity '" + digits + "'; expected a number of bytes", e);
        }
    }
}
