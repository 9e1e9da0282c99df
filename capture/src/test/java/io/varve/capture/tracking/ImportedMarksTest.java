package io.varve.capture.tracking;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.varve.core.bits.Extent;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Recording;
import io.varve.core.fold.ReadingFold;
import io.varve.core.transaction.Action;
import io.varve.core.transaction.Action.MergeBitmaps.Source;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Marks that a drive takes in from elsewhere: they're in the bitmap, in the log, and there after a restart. */
class ImportedMarksTest {
    private static final long SIZE_BYTES = 1 << 20;

    @TempDir
    private Path directory;

    @Test
    void shouldMergeBitmapsOfOtherDrivesAndGranularities() throws IOException { // I3, design 1
        List<Extent> merged = List.of(new Extent(0, 4096), new Extent(131_072, 65_536), new Extent(524_288, 4096));
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            fixture.attach("disk0", SIZE_BYTES);
            fixture.attach("disk1", SIZE_BYTES);
            fixture.transact(Completion.INDIVIDUAL, add("disk0", "fine", 4096), add("disk1", "coarse", 65_536));
            AgentFixture.write(fixture.export("disk0"), 0, new byte[512]);
            AgentFixture.write(fixture.export("disk1"), 131_072, new byte[512]);

            fixture.transact(
                    Completion.INDIVIDUAL,
                    add("disk0", "all", 4096),
                    new Action.MergeBitmaps(
                            "disk0", "all", List.of(new Source("disk1", "coarse"), new Source("disk0", "fine"))),
                    new Action.ClearBitmap("disk1", "coarse"),
                    // What an action before has brought is merged, too.
                    new Action.MergeBitmaps("disk1", "coarse", List.of(new Source("disk0", "all"))));
            AgentFixture.write(fixture.export("disk0"), 524_288, new byte[512]);

            assertEquals(merged, fixture.content("disk0", "all").extents());
            assertEquals(
                    List.of(new Extent(0, 65_536), new Extent(131_072, 65_536)),
                    fixture.content("disk1", "coarse").extents());
            for (String drive : List.of("disk0", "disk1")) {
                ReadingFold reader = fixture.read(drive);
                assertEquals(fixture.state(drive), reader.state());
                assertEquals(Set.of(), reader.differing());
            }
        }

        try (AgentFixture fixture = AgentFixture.open(directory)) {
            fixture.attach("disk0", SIZE_BYTES);

            assertEquals(merged, fixture.content("disk0", "all").extents());
        }
    }

    private static Action add(String drive, String name, long granularityBytes) {
        return new Action.AddBitmap(drive, name, Optional.of(granularityBytes), true, Recording.ENABLED);
    }
}
