package io.varve.formats.qcow2;

import java.nio.charset.StandardCharsets;

/**
 * The image that shows where this one has no cluster. Varve writes it for QEMU's sake and never follows it.
 *
 * @param fileName as QEMU takes it, relative to the image's own folder; 1 to 1,023 bytes of UTF-8
 * @param format QEMU's name of the format, so that nobody probes it: {@code qcow2} or {@code raw}
 */
public record Backing(String fileName, String format) {
    static final int NAME_BYTES_MAX = 1023;
    static final int FORMAT_BYTES_MAX = 15;

    public Backing {
        int nameBytes = fileName.getBytes(StandardCharsets.UTF_8).length;
        int formatBytes = format.getBytes(StandardCharsets.UTF_8).length;
        if (nameBytes < 1 || nameBytes > NAME_BYTES_MAX) {
            throw new IllegalArgumentException("backing file name of " + nameBytes + " bytes; expected 1 to "
                    + NAME_BYTES_MAX + ": '" + fileName + "'");
        }
        if (formatBytes < 1 || formatBytes > FORMAT_BYTES_MAX) {
            throw new IllegalArgumentException("backing format of " + formatBytes + " bytes; expected 1 to "
                    + FORMAT_BYTES_MAX + ": '" + format + "'");
        }
    }

    byte[] nameBytes() {
        return fileName.getBytes(StandardCharsets.UTF_8);
    }

    byte[] formatBytes() {
        return format.getBytes(StandardCharsets.UTF_8);
    }
}
