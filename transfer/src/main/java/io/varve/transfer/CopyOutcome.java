package io.varve.transfer;

import io.varve.archive.store.StoredParts;
import java.util.Optional;

/** How a copy ended. Unless it was copied, no image has appeared. */
public sealed interface CopyOutcome {
    /**
     * All of it is there.
     *
     * @param parts digests of an image that was written in parts: its own is the SHA-256 over theirs, in order
     */
    record Copied(CopyTotals totals, Optional<StoredParts> parts) implements CopyOutcome {}

    /** Somebody cancelled it, or interrupted its thread. */
    record Cancelled() implements CopyOutcome {}

    /** It can't be done. */
    record Failed(Side side, String reason) implements CopyOutcome {}

    /** Whose fault it is. */
    enum Side {
        SOURCE,
        TARGET
    }
}
