package io.varve.simulator;

/** An invariant doesn't hold. */
public final class Violation extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param invariant as docs/invariants.md names it */
    Violation(String invariant, String what) {
        super(invariant + " " + what, null, false, false);
    }
}
