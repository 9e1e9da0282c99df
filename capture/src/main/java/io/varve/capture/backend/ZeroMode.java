package io.varve.capture.backend;

/** How a range may be made zero. */
public enum ZeroMode {
    /** The range may become a hole; writing zeroes is allowed when that's impossible. */
    MAY_PUNCH,
    /** The range stays allocated. */
    KEEP_ALLOCATED,
    /** As {@link #MAY_PUNCH}, but fails with ENOTSUP where zeroes would have to be written. */
    MAY_PUNCH_FAST,
    /** As {@link #KEEP_ALLOCATED}, but fails with ENOTSUP where zeroes would have to be written. */
    KEEP_ALLOCATED_FAST;

    public boolean mayPunch() {
        return this == MAY_PUNCH || this == MAY_PUNCH_FAST;
    }

    public boolean mustBeFast() {
        return this == MAY_PUNCH_FAST || this == KEEP_ALLOCATED_FAST;
    }
}
