package io.varve.capture.snapshot;

/** How a read of a snapshot ended. */
public sealed interface SnapshotRead {
    /** The buffer holds the drive's bytes as they were at the cut. */
    record Done() implements SnapshotRead {}

    /** The range isn't protected by the snapshot; its bytes at the cut aren't known. */
    record Unprotected() implements SnapshotRead {}

    /** The snapshot can't be read any more, and why. */
    record Gone(String reason) implements SnapshotRead {}
}
