package io.varve.core;

/** Checks of what only a bug can break; always on. */
public final class Invariant {
    private Invariant() {}

    /**
     * Stops the caller when {@code holds} is false.
     *
     * @throws IllegalStateException naming what was expected
     */
    public static void check(boolean holds, String expected) {
        if (!holds) {
            throw new IllegalStateException("invariant broken: expected " + expected);
        }
    }
}
