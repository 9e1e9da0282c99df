package io.varve.capture.filter;

/** What gives way when old content can't be kept (QAPI's OnCbwError). */
public enum OnCopyError {
    /** The guest's write fails, and the point in time stays. */
    BREAK_GUEST_WRITE,
    /** The guest's write goes on, and the point in time can't be read any more. */
    BREAK_SNAPSHOT
}
