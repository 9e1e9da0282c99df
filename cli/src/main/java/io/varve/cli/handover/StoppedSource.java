package io.varve.cli.handover;

import io.varve.capture.handover.Chunk;
import io.varve.capture.handover.Part;
import io.varve.capture.tracking.ReleasedDrive;
import io.varve.core.handover.SourceSide;
import io.varve.core.id.IncarnationId;
import java.io.IOException;

/** The state folder of an agent that died after it had let the drive go. Thread: its owner's only. */
public final class StoppedSource implements HandoverSource {
    private final ReleasedDrive drive;

    public StoppedSource(ReleasedDrive drive) {
        this.drive = drive;
    }

    @Override
    public SourceSide side() {
        return drive.isCarried() ? new SourceSide.Absent() : new SourceSide.Released(drive.handover());
    }

    @Override
    public void release(String to) {
        throw new IllegalStateException("it's released");
    }

    @Override
    public Chunk read(IncarnationId handover, Part part, int offsetBytes) throws IOException {
        return Chunk.of(part.of(drive), offsetBytes);
    }

    /** The agent's next run is told. */
    @Override
    public void forget(IncarnationId handover) throws IOException {
        drive.forget();
    }
}
