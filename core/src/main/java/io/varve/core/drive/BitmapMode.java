package io.varve.core.drive;

/** What a backup does to its bitmap (QMP's bitmap-mode). */
public enum BitmapMode {
    /** A success drops the copied bits; a failure keeps them. */
    ON_SUCCESS,
    /** The bits stay whatever happens. */
    NEVER,
    /** A success drops the copied bits; a failure drops those of what was copied, and keeps the rest. */
    ALWAYS
}
