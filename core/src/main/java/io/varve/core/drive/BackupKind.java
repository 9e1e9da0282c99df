package io.varve.core.drive;

import java.util.Optional;

/** What a backup copies. */
public sealed interface BackupKind {
    /** The whole drive. A committed full starts a chain. */
    record Full() implements BackupKind {}

    /** The clusters of the cut, on top of {@code parent}, which is empty for a file target (its caller knows). */
    record Incremental(Optional<Anchor> parent) implements BackupKind {}
}
