package io.varve.simulator;

import java.util.Arrays;

/** What each block of a drive held at some time. */
final class Blocks {
    private final long[] versions;

    /** @param versions not to be changed any more */
    Blocks(long[] versions) {
        this.versions = versions;
    }

    int count() {
        return versions.length;
    }

    long get(int block) {
        return versions[block];
    }

    boolean isEqualTo(Blocks other) {
        return Arrays.equals(versions, other.versions);
    }
}
