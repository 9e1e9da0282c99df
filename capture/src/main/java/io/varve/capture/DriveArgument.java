package io.varve.capture;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.BackendAccess;
import io.varve.capture.backend.NbdBackend;
import io.varve.capture.backend.RawFileBackend;
import io.varve.capture.backend.qcow2.BackingRule;
import io.varve.capture.backend.qcow2.Qcow2Backend;
import io.varve.capture.node.DriveDisk;
import io.varve.capture.node.NodeOptions;
import io.varve.capture.node.NodeSpec;
import io.varve.capture.node.NodeSpec.ChildSpec;
import io.varve.capture.tracking.DriveImage;
import io.varve.core.bits.Granularity;
import io.varve.core.id.DriveId;
import io.varve.formats.nbd.NbdUri;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * A drive as the command line names it:
 * {@code NAME=PATH[,format=raw|qcow2|nbd][,backing=on][,exclusive=on][,incoming=on][,granularity=BYTES]}. The format is
 * stated or raw, and never probed: a guest can write any header into its disk. Backing files of a qcow2 image are
 * followed only when that's asked for. With the format nbd, the path is the URI of another server's export. A comma in
 * the path is written twice, as QEMU has it.
 *
 * @param image the path or URI, as it was told
 * @param backing whether an image may have backing files
 * @param use who else may write to the image while no agent has it
 * @param isIncoming whether another agent is to hand the drive over, if this one doesn't know it yet
 * @param granularity of bitmaps that are added without one
 */
public record DriveArgument(
        DriveId drive,
        String image,
        Format format,
        BackingRule backing,
        DriveImage.Use use,
        boolean isIncoming,
        Optional<Granularity> granularity) {
    private static final String EXPECTED =
            "; expected NAME=PATH[,format=raw|qcow2|nbd][,backing=on][,exclusive=on][,incoming=on][,granularity=BYTES]";
    private static final Duration RECONNECT_DELAY = Duration.ofSeconds(60);

    /** What an image is. */
    public enum Format {
        RAW("raw"),
        QCOW2("qcow2"),
        NBD("nbd");

        private final String text;

        Format(String text) {
            this.text = text;
        }

        @Override
        public String toString() {
            return text;
        }
    }

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
        String image = parts[0].replace('\0', ',');
        if (image.isEmpty()) {
            throw new IllegalArgumentException("drive '" + drive + "' has no image" + EXPECTED);
        }
        DriveArgument read = new DriveArgument(
                drive, image, Format.RAW, BackingRule.REFUSE, DriveImage.Use.UNKNOWN, false, Optional.empty());
        for (int index = 1; index < parts.length; index++) {
            read = read.with(parts[index].replace('\0', ','));
        }
        read.check();
        return read;
    }

    private DriveArgument with(String option) {
        String value = option.substring(option.indexOf('=') + 1);
        return switch (option) {
            case "format=raw" -> new DriveArgument(drive, image, Format.RAW, backing, use, isIncoming, granularity);
            case "format=qcow2" -> new DriveArgument(drive, image, Format.QCOW2, backing, use, isIncoming, granularity);
            case "format=nbd" -> new DriveArgument(drive, image, Format.NBD, backing, use, isIncoming, granularity);
            case "backing=on" -> with(BackingRule.FOLLOW);
            case "backing=off" -> with(BackingRule.REFUSE);
            case "exclusive=on" -> with(DriveImage.Use.EXCLUSIVE);
            case "exclusive=off" -> with(DriveImage.Use.UNKNOWN);
            case "incoming=on" -> new DriveArgument(drive, image, format, backing, use, true, granularity);
            case "incoming=off" -> new DriveArgument(drive, image, format, backing, use, false, granularity);
            default -> {
                if (!option.startsWith("granularity=")) {
                    throw new IllegalArgumentException(objection(drive, option));
                }
                yield new DriveArgument(
                        drive, image, format, backing, use, isIncoming, Optional.of(granularity(drive, value)));
            }
        };
    }

    private DriveArgument with(BackingRule rule) {
        return new DriveArgument(drive, image, format, rule, use, isIncoming, granularity);
    }

    private DriveArgument with(DriveImage.Use other) {
        return new DriveArgument(drive, image, format, backing, other, isIncoming, granularity);
    }

    private void check() {
        if (backing == BackingRule.FOLLOW && format != Format.QCOW2) {
            throw new IllegalArgumentException("drive '" + drive + "' has backing=on and the format " + format
                    + "; expected format=qcow2, as other formats have no backing files");
        }
        if (format == Format.NBD) {
            try {
                NbdUri _ = NbdUri.parse(image);
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException("drive '" + drive + "': " + e.getMessage(), e);
            }
        } else if (image.startsWith("nbd://") || image.startsWith("nbds://") || image.startsWith("nbd+unix://")) {
            throw new IllegalArgumentException("drive '" + drive + "' has the image '" + image + "' and the format "
                    + format + "; say format=nbd for another server's export");
        }
    }

    /**
     * Opens and locks the image; another server's export isn't locked, as NBD has no way to.
     *
     * @param nanos a clock that never goes back
     * @throws IOException in one sentence
     */
    public Backend open(BackendAccess access, LongSupplier nanos) throws IOException {
        return switch (format) {
            case RAW -> RawFileBackend.open(Path.of(image), access);
            case QCOW2 -> Qcow2Backend.open(Path.of(image), access, backing);
            case NBD -> {
                try {
                    yield NbdBackend.open(NbdUri.parse(image), access, RECONNECT_DELAY, nanos);
                } catch (IOException e) {
                    throw new IOException("drive '" + drive + "': " + e.getMessage(), e);
                }
            }
        };
    }

    /** The disk that this makes. */
    GraphPlan.Disk disk() {
        return new GraphPlan.Disk(
                drive.value(),
                isIncoming ? new GraphPlan.Medium.Awaited(spec(), use) : new GraphPlan.Medium.Own(spec(), use),
                granularity.map(Granularity::bytes),
                "");
    }

    /** How it's opened when it comes from another agent. */
    DriveDisk driveDisk() {
        return new DriveDisk(spec(), use, granularity.map(Granularity::bytes));
    }

    private NodeSpec spec() {
        NodeOptions options = NodeOptions.DEFAULT;
        return switch (format) {
            case RAW -> new NodeSpec.Raw(options, file(image));
            case QCOW2 -> new NodeSpec.Qcow2(options, file(image), new NodeSpec.Backing.OfHeader(backing));
            // What another server exports is raw to us, whatever it lies in there.
            case NBD ->
                new NodeSpec.Raw(options, new ChildSpec.Inline(new NodeSpec.Nbd(options, image, RECONNECT_DELAY)));
        };
    }

    private static ChildSpec file(String path) {
        return new ChildSpec.Inline(new NodeSpec.FileNode(NodeOptions.DEFAULT, "file", path));
    }

    private static String objection(DriveId drive, String option) {
        return option.startsWith("format=")
                ? "drive '" + drive + "' has the format '" + option.substring("format=".length())
                        + "', which can't be captured; expected raw, qcow2 or nbd"
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
