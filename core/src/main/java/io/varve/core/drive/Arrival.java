package io.varve.core.drive;

/** How much of a drive's marks an attaching agent found. */
public enum Arrival {
    /** Nothing is known of the drive: a new journal. */
    FRESH,
    /** Detached cleanly. */
    CLEAN,
    /** The process died on this boot of the host; the live sets are exact. */
    RECOVERED,
    /** The host died; the activity log's regions are marked as a whole. A reader may know marks that went with it. */
    COARSE,
    /** Another agent handed the drive over: the marks of its sealed generations are still to come. */
    INCOMING,
    /** Marks may be missing: every bitmap is inconsistent. */
    INCONSISTENT
}
