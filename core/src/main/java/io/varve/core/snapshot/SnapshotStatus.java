package io.varve.core.snapshot;

/**
 * Whether a snapshot can still be read. It is broken before a write goes on that its old content wasn't kept for, so a
 * reader that looks after its read knows.
 *
 * <pre>
 *   Live  --old content couldn't be kept-->  Broken
 *   Live, Broken  --released-->              Released
 * </pre>
 */
public sealed interface SnapshotStatus {
    record Live() implements SnapshotStatus {}

    record Broken(String reason) implements SnapshotStatus {}

    record Released() implements SnapshotStatus {}

    /** The first reason stays. */
    default SnapshotStatus breaking(String reason) {
        return switch (this) {
            case Live live -> new Broken(reason);
            case Broken broken -> broken;
            case Released released -> released;
        };
    }
}
