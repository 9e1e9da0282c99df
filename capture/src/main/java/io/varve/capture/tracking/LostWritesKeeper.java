package io.varve.capture.tracking;

import io.varve.core.bits.Extent;
import java.io.IOException;
import java.util.List;
import java.util.function.Supplier;

/** Makes durable which writes have an unknown outcome. Thread: safe for any thread. */
interface LostWritesKeeper {
    /** For a write path without files. */
    LostWritesKeeper NONE = new LostWritesKeeper() {
        @Override
        public void keep(Supplier<List<Extent>> lost) {}

        @Override
        public List<Extent> kept() {
            return List.of();
        }
    };

    /** What is durable. */
    List<Extent> kept();

    /** Makes what {@code lost} gives durable, unless it is, or the drive was given up. */
    void keep(Supplier<List<Extent>> lost) throws IOException;
}
