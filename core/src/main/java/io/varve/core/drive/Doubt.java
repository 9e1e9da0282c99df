package io.varve.core.drive;

/**
 * Why a bitmap can't be believed to hold every write.
 *
 * @param cause for machines
 * @param reason for people: a part of a sentence
 */
public record Doubt(FullCause cause, String reason) {
    /** The image isn't the one that was left. */
    public static Doubt imageChanged(String reason) {
        return new Doubt(FullCause.IMAGE_CHANGED, reason);
    }

    /** The image has another size. */
    public static Doubt imageResized(String reason) {
        return new Doubt(FullCause.IMAGE_RESIZED, reason);
    }

    /** Marks are gone or damaged. */
    public static Doubt marksLost(String reason) {
        return new Doubt(FullCause.MARKS_LOST, reason);
    }

    /** The log's digest isn't the agent's. */
    public static Doubt digestDiffers(String reason) {
        return new Doubt(FullCause.DIGEST_DIFFERS, reason);
    }

    /** Somebody else may have written the drive. */
    public static Doubt secondWriter(String reason) {
        return new Doubt(FullCause.SECOND_WRITER, reason);
    }

    /** The image's own file doesn't vouch for its bitmap. */
    public static Doubt fileBitmapDamaged(String reason) {
        return new Doubt(FullCause.FILE_BITMAP_DAMAGED, reason);
    }

    /** Any other. */
    public static Doubt other(String reason) {
        return new Doubt(FullCause.INCONSISTENT, reason);
    }
}
