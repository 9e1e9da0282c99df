package io.varve.core.transaction;

/** What a backup copies (QMP's MirrorSyncMode). */
public enum SyncMode {
    FULL("full"),
    /** What the drive's image holds itself, and not its backing file; a full one where it has none. */
    TOP("top"),
    INCREMENTAL("incremental"),
    BITMAP("bitmap"),
    /** Nothing by itself: the target gets only the old content of what is overwritten. */
    NONE("none");

    private final String qmpName;

    SyncMode(String qmpName) {
        this.qmpName = qmpName;
    }

    public String qmpName() {
        return qmpName;
    }
}
