package io.varve.core.drive;

/** What the failure of one backup of a transaction means for the others (QMP's completion-mode). */
public enum Completion {
    /** Each drive is a unit: it commits or aborts by itself. */
    INDIVIDUAL,
    /** All drives are one unit: all commit, or all abort. */
    GROUPED
}
