package io.varve.core.transaction;

/** What a backup copies (QMP's MirrorSyncMode, less 'top', which a drive without a backing file has no use for). */
public enum SyncMode {
    FULL("full"),
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
