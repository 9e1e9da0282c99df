package io.varve.capture.backend;

import java.nio.file.Path;
import java.util.OptionalLong;

/** The space that a file takes on its file system, which holes make less than its length. Safe for any thread. */
public final class AllocatedSpace {
    /** statx(2) counts in these. */
    private static final long BLOCK_BYTES = 512;

    private AllocatedSpace() {}

    /** In bytes; empty when the file isn't there or can't be asked. */
    public static OptionalLong ofFile(Path path) {
        long blocks = LinuxCalls.blocks(path);
        return blocks < 0 ? OptionalLong.empty() : OptionalLong.of(blocks * BLOCK_BYTES);
    }
}
