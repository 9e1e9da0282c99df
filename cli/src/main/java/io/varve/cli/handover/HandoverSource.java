package io.varve.cli.handover;

import io.varve.capture.handover.Chunk;
import io.varve.capture.handover.Part;
import io.varve.core.handover.SourceSide;
import io.varve.core.id.IncarnationId;
import java.io.IOException;

/** Where a drive comes from: a running agent, the state folder of one that doesn't run, or nobody. */
public interface HandoverSource {
    /** What it says of the drive. */
    SourceSide side() throws IOException, InterruptedException;

    /**
     * Has it let the drive go.
     *
     * @param to whom, for people to read
     */
    void release(String to) throws IOException, InterruptedException;

    /** The chunk of a part of what it keeps that begins at {@code offsetBytes}. */
    Chunk read(IncarnationId handover, Part part, int offsetBytes) throws IOException, InterruptedException;

    /** The target has everything. */
    void forget(IncarnationId handover) throws IOException, InterruptedException;
}
