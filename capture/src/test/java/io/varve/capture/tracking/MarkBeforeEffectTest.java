package io.varve.capture.tracking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.backend.ZeroMode;
import io.varve.capture.nbd.Export;
import io.varve.core.bits.Extent;
import io.varve.core.drive.Completion;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MarkBeforeEffectTest {
    private static final long SIZE_BYTES = (1 << 20) - 512;

    @TempDir
    Path directory;

    /** One kind of change, to the range. */
    private interface Change {
        void of(Export export, long offsetBytes, int lengthBytes);
    }

    private static final List<Change> CHANGES = List.of(
            (export, offset, length) -> AgentFixture.write(export, offset, new byte[length]),
            (export, offset, length) -> AgentFixture.ended(c -> export.trim(offset, length, c)),
            (export, offset, length) ->
                    AgentFixture.ended(c -> export.writeZeroes(offset, length, ZeroMode.MAY_PUNCH, c)));

    @Test
    void shouldMarkEveryChangeWhereItSurvivesBeforeTheImageSeesIt() throws IOException { // I2
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            WatchedBackend backend = fixture.attachWatched("disk0", SIZE_BYTES);
            backend.onChange((offset, length) -> {
                var marks = fixture.survivingMarks("disk0");
                assertTrue(
                        marks.bits().nextClear(offset >>> 16) >= ((offset + length - 1) >>> 16) + 1,
                        () -> "offset " + offset + " is written, and not marked");
            });

            for (int change = 0; change < CHANGES.size(); change++) {
                CHANGES.get(change).of(fixture.export("disk0"), change * 262_144L + 65_535, 65_538);
            }
            AgentFixture.write(fixture.export("disk0"), SIZE_BYTES - 512, new byte[512]);
        }
    }

    @Test
    void shouldKeepTheMarkOfAChangeThatFailed() throws IOException { // I2
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            WatchedBackend backend = fixture.attachWatched("disk0", SIZE_BYTES);
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.add("disk0", "a"));
            backend.onChange((offset, length) -> {
                throw new IOException("the test wants it");
            });

            for (int change = 0; change < CHANGES.size(); change++) {
                Change failing = CHANGES.get(change);
                long offsetBytes = change * 131_072L;
                assertThrows(CompletionException.class, () -> failing.of(fixture.export("disk0"), offsetBytes, 512));
            }

            assertEquals(
                    List.of(new Extent(0, 65_536), new Extent(131_072, 65_536), new Extent(262_144, 65_536)),
                    fixture.content("disk0", "a").extents());
            backend.onChange((offset, length) -> {});
        }
    }

    @Test
    void shouldEndAWriteWhoseBackendHasABug() throws IOException { // I9: else its slot would be in flight for ever
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            WatchedBackend backend = fixture.attachWatched("disk0", SIZE_BYTES);
            // A write into a cold region is made on another thread.
            AgentFixture.write(fixture.export("disk0"), 0, new byte[512]);
            backend.onChange((offset, length) -> {
                throw new IllegalStateException("a bug");
            });

            assertThrows(
                    IllegalStateException.class,
                    () -> AgentFixture.write(
                            fixture.export("disk0"), 0, ByteBuffer.allocate(512).array()));
            backend.onChange((offset, length) -> {});
        }
        // Closing waits for writes in flight: it came here at once.
    }
}
