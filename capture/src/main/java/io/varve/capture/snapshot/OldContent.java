package io.varve.capture.snapshot;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Takes a drive's old content, besides the snapshot itself. */
public interface OldContent {
    /**
     * Takes what remains of {@code content}; a guest's write waits for the return. Called on several threads, none of
     * which is interrupted.
     *
     * @throws IOException breaks the snapshot
     */
    void keep(long offsetBytes, ByteBuffer content) throws IOException;

    /** The snapshot broke, for whatever reason; called once, must not block. */
    void broke(String reason);
}
