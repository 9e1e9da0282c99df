package io.varve.capture.tracking;

import io.varve.capture.snapshot.CopyBuffers;
import io.varve.capture.snapshot.Copying;

/** What all drives of an agent share. */
record AgentMeans(AgentOptions options, AgentSurroundings surroundings, AgentThreads threads, CopyBuffers buffers) {
    /** What the snapshots of a drive copy with; one that ends leaves its write path. */
    Copying copyingFor(WritePath path) {
        return new Copying(threads.copies(), buffers, options.cbwTimeoutMillis(), path::remove);
    }
}
