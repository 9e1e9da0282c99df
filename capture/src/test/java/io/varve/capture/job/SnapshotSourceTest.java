package io.varve.capture.job;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.varve.capture.nbd.Export;
import io.varve.capture.snapshot.Snapshot;
import io.varve.capture.tracking.AgentFixture;
import io.varve.core.drive.Completion;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a file job reads of a snapshot, while the guest writes. */
@Timeout(60)
class SnapshotSourceTest {
    private static final int GRANULE_BYTES = 65_536;
    private static final int SIZE_BYTES = 16 * GRANULE_BYTES;

    @TempDir
    Path directory;

    @Test
    void shouldKeepNothingMoreOfWhatWasRead() throws Exception {
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            Export drive = fixture.attach("disk0", SIZE_BYTES);
            Snapshot snapshot = fixture.transact(Completion.INDIVIDUAL, AgentFixture.full("disk0"))
                    .getFirst()
                    .snapshot();
            Retrying retrying = new Retrying(new CopyBrake(System::nanoTime, Long.MAX_VALUE), new ErrorDesk());
            try (SnapshotSource source = new SnapshotSource(snapshot, retrying, 1)) {
                source.read(GRANULE_BYTES, ByteBuffer.allocate(4 * GRANULE_BYTES))
                        .join();
                // Not a whole granule: its other half is to be read yet.
                source.read(8 * GRANULE_BYTES, ByteBuffer.allocate(GRANULE_BYTES / 2))
                        .join();

                AgentFixture.write(drive, 0, new byte[SIZE_BYTES]);

                assertEquals(SIZE_BYTES - 4 * GRANULE_BYTES, snapshot.keptBytes());
            }
        }
    }
}
