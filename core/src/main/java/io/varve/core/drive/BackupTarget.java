package io.varve.core.drive;

/** Where a backup goes, and so who concludes it. */
public enum BackupTarget {
    /** The agent writes a file and concludes by itself. */
    FILE,
    /** The sinks write to the archive; the decision object concludes. */
    ARCHIVE
}
