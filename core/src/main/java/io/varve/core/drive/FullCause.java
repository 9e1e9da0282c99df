package io.varve.core.drive;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/**
 * Why a backup is a full one though nobody asked for that: for machines, beside a sentence for people. A label stays
 * what it is; new ones may come.
 */
public enum FullCause {
    /** There was no such bitmap. */
    BITMAP_NEW,
    /** The bitmap was disabled. */
    NOT_RECORDING,
    /** No committed backup to the archive is known since which the bitmap holds every write. */
    NO_ANCHOR,
    /** The drive is suspect, though the bitmap itself isn't inconsistent. */
    DRIVE_SUSPECT,
    /** The image was changed, replaced, rolled back or cloned, or may have been, while no agent had it. */
    IMAGE_CHANGED,
    /** The image has another size than it was left with. */
    IMAGE_RESIZED,
    /** Marks of the agent's last run are gone or damaged. */
    MARKS_LOST,
    /** The image's own file kept the bitmap as one in use, or damaged. */
    FILE_BITMAP_DAMAGED,
    /** The log's picture of the bitmap isn't the agent's, even after it was published again. */
    DIGEST_DIFFERS,
    /** Another agent may have written the drive. */
    SECOND_WRITER,
    /** The bitmap is inconsistent for a reason that is told in words alone. */
    INCONSISTENT;

    /** Its name in JSON, on the log and in manifests: {@code image-changed}. */
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The one with this label; empty for one that this version doesn't know. */
    public static Optional<FullCause> of(String label) {
        return Arrays.stream(values())
                .filter(cause -> cause.label().equals(label))
                .findFirst();
    }

    /** The one with this label; the general one for a label that only a later version knows. */
    public static FullCause ofAnyVersion(String label) {
        return of(label).orElse(INCONSISTENT);
    }
}
