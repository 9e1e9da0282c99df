package io.varve.capture;

import io.varve.capture.job.DriveInfo;
import io.varve.core.bits.Granularity;
import io.varve.core.id.DriveId;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A drive as the command line names it: {@code NAME=PATH[,format=raw][,granularity=BYTES]}. The format is stated or
 * raw, and never probed: a guest can write any header into its disk. A comma in the path is written twice, as QEMU has
 * it.
 *
 * @param granularity of bitmaps that are added without one
 */
public record DriveArgument(DriveId drive, Path image, Optional<Granularity> granularity) {
    private static final String EXPECTED = "; expected NAME=PATH[,format=raw][,granularity=BYTES]";
    private static final String RAW = "raw";

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
        Optional<Granularity> granularity = Optional.empty();
        for (int index = 1; index < parts.length; index++) {
            String option = parts[index];
            if (option.startsWith("granularity=")) {
                granularity = Optional.of(granularity(drive, option.substring("granularity=".length())));
            } else if (!option.equals("format=" + RAW)) {
                throw new IllegalArgumentException(objection(drive, option));
            }
        }
        return new DriveArgument(drive, Path.of(path), granularity);
    }

    DriveInfo info() {
        OptionalLong granularityBytes =
                granularity.stream().mapToLong(Granularity::bytes).findFirst();
        return new DriveInfo(drive, image, RAW, granularityBytes);
    }

    private static String objection(DriveId drive, String option) {
        return option.startsWith("format=")
                ? "drive '" + drive + "' has the format '" + option.substring("format=".length())
                        + "', which can't be captured; expected " + RAW
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
