package io.varve.capture.tracking;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.nbd.Export;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** When the image was written last, as it's found after the process has died: a later change isn't the agent's. */
@Timeout(60)
class LastWriteTimeTest {
    private static final int SIZE_BYTES = 1 << 20;
    private static final int FLUSHES_MAX = 50;
    private static final long TICK_NANOS = 100_000_000;

    @TempDir
    Path directory;

    /** An image of a format that sets space aside changes its file's time when a flush gives that back. */
    @Test
    void shouldCountAFlushsBeginningAndItsEnd() throws Exception {
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            WatchedBackend backend = fixture.attachWatched("disk0", SIZE_BYTES);
            Export export = fixture.export("disk0");
            AgentFixture.write(export, 0, new byte[512]);
            long written = lastWriteMillis();
            AtomicLong begun = new AtomicLong();
            backend.onFlush((offsetBytes, lengthBytes) -> {
                begun.set(lastWriteMillis());
                awaitNextTick();
            });

            // The agent's clock is a coarse one, and late when there is much to do.
            boolean counted = false;
            for (int flush = 0; flush < FLUSHES_MAX && !counted; flush++) {
                awaitNextTick();
                AgentFixture.ended(export::flush);
                counted = begun.get() > written && lastWriteMillis() > begun.get();
            }

            assertTrue(counted, written + " before, " + begun + " at its beginning, " + lastWriteMillis() + " after");
        }
    }

    private long lastWriteMillis() throws IOException {
        try (DirectoryStream<Path> files =
                Files.newDirectoryStream(directory.resolve("live").resolve("disk0"), "*.live")) {
            try (LiveSet set = LiveSet.open(files.iterator().next()).orElseThrow()) {
                return set.lastWriteMillis();
            }
        }
    }

    private static void awaitNextTick() {
        long since = System.nanoTime();
        while (System.nanoTime() - since < TICK_NANOS) {
            Thread.onSpinWait();
        }
    }
}
