package io.varve.core;

import java.util.SplittableRandom;
import java.util.function.Consumer;

/** Runs a property with many seeds; a failure names the seed that replays it. */
public final class Seeds {
    private static final String PROPERTY = "varve.seed";

    private Seeds() {}

    /** Runs {@code property} with {@code count} seeds, or with the one of {@code -Dvarve.seed} alone. */
    public static void forEach(int count, Consumer<SplittableRandom> property) {
        String chosen = System.getProperty(PROPERTY, "");
        if (!chosen.isEmpty()) {
            run(Long.parseLong(chosen), property);
            return;
        }
        for (long seed = 0; seed < count; seed++) {
            run(seed, property);
        }
    }

    private static void run(long seed, Consumer<SplittableRandom> property) {
        try {
            property.accept(new SplittableRandom(seed));
        } catch (AssertionError | RuntimeException e) {
            throw new AssertionError("failed; replay with -D" + PROPERTY + "=" + seed + ": " + e.getMessage(), e);
        }
    }
}
