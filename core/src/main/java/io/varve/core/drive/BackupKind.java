package io.varve.core.drive;

import java.util.Optional;

/** What a backup copies. */
public sealed interface BackupKind {
    /**
     * The whole drive. A committed full starts a chain.
     *
     * @param cause why it isn't an increment; empty when it was asked for, or when that isn't known
     */
    record Full(Optional<FullCause> cause) implements BackupKind {
        /** One that was asked for, or of which nothing else is known. */
        public Full() {
            this(Optional.empty());
        }
    }

    /** The clusters of the cut, on top of {@code parent}, which is empty for a file target (its caller knows). */
    record Incremental(Optional<Anchor> parent) implements BackupKind {}

    /** Why it's a full one though nobody asked for that. */
    default Optional<FullCause> fullCause() {
        return switch (this) {
            case Full(var cause) -> cause;
            case Incremental _ -> Optional.empty();
        };
    }
}
