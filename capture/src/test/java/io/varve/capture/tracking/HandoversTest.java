package io.varve.capture.tracking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.varve.capture.backend.BackendAccess;
import io.varve.capture.backend.RawFileBackend;
import io.varve.core.bits.Extent;
import io.varve.core.drive.Completion;
import io.varve.core.fold.ReadingFold;
import io.varve.core.handover.TargetSide;
import io.varve.core.id.DriveId;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A hand-over as the readers of the drive's log see it. */
class HandoversTest {
    private static final DriveId DRIVE = new DriveId("disk0");
    private static final String NAME = DRIVE.value();
    private static final long SIZE_BYTES = 1 << 20;

    @TempDir(factory = MemoryBacked.class)
    Path directory;

    @Test
    void shouldGoOnInTheLogWhereTheSourceEndedOnceTheMarksHaveCome() throws IOException { // I1, I4
        try (AgentFixture source = AgentFixture.open(directory.resolve("a"));
                AgentFixture target = AgentFixture.open(directory.resolve("b"))) {
            var _ = source.attach(NAME, SIZE_BYTES);
            source.transact(Completion.INDIVIDUAL, AgentFixture.add(NAME, "all"));
            AgentFixture.write(source.export(NAME), 0, new byte[512]);
            ReadingFold reader = new ReadingFold();
            source.readAll(NAME, reader);
            // The reader never hears of this one from the source.
            AgentFixture.write(source.export(NAME), 131_072, new byte[512]);
            source.agent().handovers().announce(DRIVE, "target");
            source.agent().detach(DRIVE);

            try (ReleasedDrive released =
                    source.agent().handovers().released(DRIVE).orElseThrow()) {
                takeOver(released, source, target);
                AgentFixture.write(target.export(NAME), 262_144, new byte[512]);
                AgentFixture.drain(target.feed(NAME), reader);
                assertEquals(List.of(released.handover()), reader.state().line());
                carry(released, target.agent().handovers());
            }
            target.readAll(NAME, reader);

            assertEquals(target.state(NAME), reader.state());
            assertEquals(List.of(), reader.complaints());
            assertEquals(Set.of(), reader.differing());
            assertEquals(
                    List.of(new Extent(0, 65_536), new Extent(131_072, 65_536), new Extent(262_144, 65_536)),
                    target.content(NAME, "all").extents());
        }
    }

    private static void takeOver(ReleasedDrive released, AgentFixture source, AgentFixture target) throws IOException {
        target.agent().handovers().install(DRIVE, released.handover(), released.records(), HandedImage.SHARED);
        Path image = source.image(NAME);
        target.agent().attach(new DriveImage(DRIVE, image, RawFileBackend.open(image, BackendAccess.READ_WRITE)));
    }

    private static void carry(ReleasedDrive released, Handovers target) throws IOException {
        TargetSide.Incoming incoming = assertInstanceOf(TargetSide.Incoming.class, target.target(DRIVE));
        for (long generation : incoming.missing()) {
            target.take(DRIVE, generation, released.marks(generation));
        }
        target.complete(DRIVE);
    }
}
