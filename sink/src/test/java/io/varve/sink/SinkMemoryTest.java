package io.varve.sink;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.commit.Outcome;
import io.varve.core.commit.Task;
import io.varve.embedded.stack.ChildProcess;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A large drive goes through a small process. */
@Timeout(180)
class SinkMemoryTest {
    private static final long SIZE_BYTES = 4L << 30;
    private static final long DATA_BYTES = 512L << 20;

    @TempDir
    private Path folder;

    @Test
    void shouldBackUpALargeDriveInLittleMemory() throws Exception {
        Disk disk = Disk.create(folder.resolve("large.raw"), SIZE_BYTES);
        SplittableRandom random = new SplittableRandom(3);
        disk.fill(0, DATA_BYTES / 2, random);
        disk.fill(SIZE_BYTES / 2, DATA_BYTES / 2, random);
        try (SinkStack stack = SinkStack.start(folder.resolve("stack"));
                SnapshotServer server = SnapshotServer.raw(disk.raw(), "large@sp");
                ChildProcess sink = stack.sinkProcess(2, List.of("-Xmx128m", "-XX:+ExitOnOutOfMemoryError"))) {
            Task.Copy task = new Orders("large", SIZE_BYTES).full("sp", server.export());

            Outcome.Copied copied = stack.copy(task);

            assertTrue(copied.storedBytes() >= DATA_BYTES, copied::toString);
            assertTrue(sink.isAlive());
            stack.assertImage("large/", disk.raw());
        }
    }
}
