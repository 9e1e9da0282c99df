package io.varve.capture.backend;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Flushes after one that failed. */
@Timeout(60)
class FlushLanesTest {
    /** Linux can't make it durable, and says so. */
    private static final Path UNFLUSHABLE = Path.of("/dev/full");

    @TempDir
    private Path folder;

    @Test
    void shouldFailEveryFlushAfterOneThatFailed() throws Exception {
        Path image = folder.resolve("image");
        try (FlushLanes lanes = FlushLanes.open(image, UNFLUSHABLE, BackendAccess.READ_WRITE)) {
            IOException first = assertThrows(IOException.class, lanes::flush);
            assertTrue(!String.valueOf(first.getMessage()).contains("earlier"), first.toString());

            Queue<String> later = new ConcurrentLinkedQueue<>();
            List<Thread> others = new ArrayList<>();
            // More than there are lanes.
            for (int i = 0; i < 20; i++) {
                others.add(Thread.ofPlatform()
                        .start(() -> later.add(String.valueOf(
                                assertThrows(IOException.class, lanes::flush).getMessage()))));
            }
            for (Thread other : others) {
                other.join();
            }

            String expected = "an earlier flush of image " + image + " failed";
            assertTrue(later.size() == 20 && later.stream().allMatch(m -> m.startsWith(expected)), later.toString());
        }
    }

    @Test
    void shouldFailAFlushOfAClosedImageWithoutBlamingTheDisk() throws Exception {
        Path image = Files.createFile(folder.resolve("image"));
        FlushLanes lanes = FlushLanes.open(image, image, BackendAccess.READ_WRITE);
        lanes.flush();
        lanes.close();

        IOException first = assertThrows(IOException.class, lanes::flush);
        IOException second = assertThrows(IOException.class, lanes::flush);

        assertTrue(String.valueOf(first.getMessage()).endsWith("is closed"), first.toString());
        assertTrue(String.valueOf(second.getMessage()).endsWith("is closed"), second.toString());
    }
}
