package io.varve.core.drive;

/** What a backup does to its bitmap (QMP's bitmap-mode). */
public enum BitmapMode {
    /** A success drops the copied bits; a failure keeps them. */
    ON_SUCCESS,
    /** The bits stay whatever happens. */
    NEVER,
    /** As ON_SUCCESS; where QEMU drops what a failed job had copied, Varve keeps it, which is the safer. */
    ALWAYS
}
