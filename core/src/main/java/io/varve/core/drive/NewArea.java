package io.varve.core.drive;

/** Why no bitmap misses what a resize changed: an archive's chain reads zeros where its parent's image had ended. */
public enum NewArea {
    /** The drive grew, and reads zeros there, as a file that was made longer does. */
    ZEROES,
    /**
     * The open generation marks the area that came, or the sealed one that which went: when the drive grows again, the
     * next increment has it, and the parent's old data doesn't show through.
     */
    MARKED,
    /** It isn't known: bitmaps may miss it. */
    UNKNOWN
}
