package io.varve.cli.handover;

import io.varve.capture.handover.Chunk;
import io.varve.capture.handover.Part;
import io.varve.core.handover.SourceSide;
import io.varve.core.id.IncarnationId;
import java.io.IOException;

/** A source that doesn't answer. */
public record SilentSource(String reason) implements HandoverSource {
    @Override
    public SourceSide side() {
        return new SourceSide.Silent(reason);
    }

    @Override
    public void release(String to) throws IOException {
        throw new IOException(reason);
    }

    @Override
    public Chunk read(IncarnationId handover, Part part, int offsetBytes) throws IOException {
        throw new IOException(reason);
    }

    @Override
    public void forget(IncarnationId handover) throws IOException {
        throw new IOException(reason);
    }
}
