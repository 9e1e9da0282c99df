package io.varve.capture.tracking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.varve.capture.backend.BackendAccess;
import io.varve.capture.backend.RawFileBackend;
import io.varve.core.drive.Arrival;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Doubt;
import io.varve.core.drive.FullCause;
import io.varve.core.drive.Trust;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.id.DriveId;
import io.varve.core.transaction.Action;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What befalls an image while no agent has it, and how that's told before anything is published; one kind a test. */
class ImageIdentityTest {
    private static final long SIZE_BYTES = 4 << 20;
    /** None of the sampled blocks. */
    private static final long UNSAMPLED = 5_000;

    private static final String CHANGED = "the image was changed, or may have been, while it was detached";

    @TempDir
    Path directory;

    /** What befalls it. */
    private interface Fate {
        void of(Path image) throws IOException;
    }

    @Test
    void shouldNotSuspectAnImageThatWasLeftAlone() throws IOException {
        detach();

        assertEquals(Optional.empty(), suspicion(image -> Files.readAllBytes(image)));
        assertEquals(Optional.empty(), suspicion(_ -> {}));
    }

    @Test
    void shouldNoticeAForeignWriteWhileDetached() throws IOException {
        detach();

        assertEquals(Optional.of(CHANGED), suspicion(image -> write(image, UNSAMPLED)));
    }

    @Test
    void shouldNoticeAForeignWriteWhoseTimesWereRestoredByTouch() throws IOException {
        detach();

        Optional<String> suspicion = suspicion(image -> {
            FileTime modified = Files.getLastModifiedTime(image);
            write(image, UNSAMPLED);
            Files.setLastModifiedTime(image, modified);
        });

        assertEquals(Optional.of(CHANGED), suspicion);
    }

    @Test
    void shouldNoticeARollbackThatCameWithTheTimesOfWhatItRestored() throws IOException { // cp -a over the image
        detach();
        Path kept = directory.resolve("kept");
        Files.copy(image(), kept, StandardCopyOption.COPY_ATTRIBUTES);
        FileTime modified = Files.getLastModifiedTime(kept);
        assertEquals(Optional.empty(), suspicion(_ -> {}));
        written();

        Optional<String> suspicion = suspicion(image -> {
            try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
                file.write(Files.readAllBytes(kept));
            }
            Files.setLastModifiedTime(image, modified);
        });

        assertEquals(Optional.of(CHANGED), suspicion);
    }

    @Test
    void shouldNoticeACloneInTheImagesPlace() throws IOException { // the same content, the same times
        detach();

        Optional<String> suspicion = suspicion(image -> {
            Path clone = directory.resolve("clone");
            Files.copy(image, clone, StandardCopyOption.COPY_ATTRIBUTES);
            Files.move(clone, image, StandardCopyOption.REPLACE_EXISTING);
        });

        assertEquals(Optional.of(CHANGED), suspicion);
    }

    @Test
    void shouldNoticeAnotherImageInItsPlace() throws IOException {
        detach();

        Optional<String> suspicion = suspicion(image -> {
            Path other = directory.resolve("other");
            AgentFixture.makeImage(other, SIZE_BYTES);
            Files.setLastModifiedTime(other, Files.getLastModifiedTime(image));
            Files.move(other, image, StandardCopyOption.REPLACE_EXISTING);
        });

        assertEquals(Optional.of(CHANGED), suspicion);
    }

    @Test
    void shouldNoticeAnImageThatGrewOrShrank() throws IOException {
        detach();

        assertEquals(
                Optional.of("the image has " + (SIZE_BYTES + 65_536) + " bytes; expected " + SIZE_BYTES),
                suspicion(image -> resize(image, SIZE_BYTES + 65_536)));
        anew();
        assertEquals(
                Optional.of("the image has " + SIZE_BYTES + " bytes; expected " + (SIZE_BYTES + 65_536)),
                suspicion(image -> resize(image, SIZE_BYTES)));
    }

    @Test
    void shouldNoticeAnImageThatLostAPartAndGotItsSizeBack() throws IOException {
        detach();

        Optional<String> suspicion = suspicion(image -> {
            FileTime modified = Files.getLastModifiedTime(image);
            resize(image, SIZE_BYTES / 2);
            resize(image, SIZE_BYTES);
            Files.setLastModifiedTime(image, modified);
        });

        assertEquals(Optional.of(CHANGED), suspicion);
    }

    @Test
    void shouldSuspectABlockDeviceAfterEveryDetachUnlessItIsExclusive() throws IOException { // design 3
        assertEquals(Optional.of(CHANGED), ofDevice(DriveImage.Use.UNKNOWN, "/dev/null", _ -> {}));
    }

    @Test
    void shouldBelieveABlockDeviceThatIsExclusive() throws IOException {
        assertEquals(Optional.empty(), ofDevice(DriveImage.Use.EXCLUSIVE, "/dev/null", _ -> {}));
    }

    @Test
    void shouldNoticeAnotherDeviceThoughItIsExclusive() throws IOException {
        assertEquals(Optional.of(CHANGED), ofDevice(DriveImage.Use.EXCLUSIVE, "/dev/zero", _ -> {}));
    }

    @Test
    void shouldNoticeASampledBlockThatWasChangedThoughTheDeviceIsExclusive() throws IOException {
        assertEquals(
                Optional.of(CHANGED),
                ofDevice(DriveImage.Use.EXCLUSIVE, "/dev/null", image -> write(image, SIZE_BYTES / 2 + 1)));
    }

    @Test
    void shouldSuspectAnotherServersExportUnlessItIsExclusive() throws IOException { // design 3
        assertEquals(Optional.of(CHANGED), ofExport("export", DriveImage.Use.UNKNOWN));
        assertEquals(Optional.empty(), ofExport("exclusive", DriveImage.Use.EXCLUSIVE));
    }

    /** Attaches a new drive with a bitmap, writes, and detaches. */
    private void detach() throws IOException {
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            var export = fixture.attach("disk0", SIZE_BYTES);
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.add("disk0", "a"));
            AgentFixture.write(export, 0, new byte[512]);
        }
    }

    /** Attaches once more, writes, and detaches. */
    private void written() throws IOException {
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            AgentFixture.write(fixture.attach("disk0", SIZE_BYTES), 65_536, new byte[] {1});
        }
    }

    /** Puts a bitmap that can be trusted in the place of the other. */
    private void anew() throws IOException {
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            var _ = fixture.attach("disk0", SIZE_BYTES);
            fixture.transact(Completion.INDIVIDUAL, new Action.RemoveBitmap("disk0", "a"));
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.add("disk0", "a"));
        }
    }

    /** Why the bitmap isn't believed when the drive is attached after this; empty when it is. */
    private Optional<String> suspicion(Fate fate) throws IOException {
        awaitLaterTime();
        fate.of(image());
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            var _ = fixture.attach("disk0", SIZE_BYTES);
            return suspicion(fixture, "disk0");
        }
    }

    private static Optional<String> suspicion(AgentFixture fixture, String drive) throws IOException {
        boolean isBelieved = fixture.bitmap(drive, "a").status() instanceof BitmapStatus.Idle;
        List<LogRecord> told = fixture.feed(drive).next().orElseThrow().records();
        DriveEvent.DriveAttached attached = told.stream()
                .map(LogRecord::event)
                .filter(DriveEvent.DriveAttached.class::isInstance)
                .map(DriveEvent.DriveAttached.class::cast)
                .reduce((_, last) -> last)
                .orElseThrow();
        // Nothing of this run was published before it.
        assertEquals(isBelieved ? Arrival.CLEAN : Arrival.INCONSISTENT, attached.arrival());
        if (isBelieved) {
            return Optional.empty();
        }
        assertInstanceOf(Trust.Suspect.class, fixture.state(drive).trust());
        Doubt doubt = assertInstanceOf(
                        BitmapStatus.Inconsistent.class,
                        fixture.bitmap(drive, "a").status())
                .doubt();
        assertEquals(doubt.reason().equals(CHANGED) ? FullCause.IMAGE_CHANGED : FullCause.IMAGE_RESIZED, doubt.cause());
        return Optional.of(doubt.reason());
    }

    /** The file system's clock may stand still for some milliseconds. */
    private void awaitLaterTime() throws IOException {
        long changedMillis = ImageIdentities.changedMillis(image());
        Path probe = directory.resolve("probe");
        do {
            Files.write(probe, new byte[1]);
        } while (ImageIdentities.changedMillis(probe) <= changedMillis);
    }

    /** A device's content stands in a file here, since there's none that a test may write. */
    private Optional<String> ofDevice(DriveImage.Use use, String later, Fate fate) throws IOException {
        AgentFixture.makeImage(image(), SIZE_BYTES);
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            fixture.agent().attach(device("/dev/null", use));
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.add("disk0", "a"));
        }
        fate.of(image());
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            fixture.agent().attach(device(later, use));
            return suspicion(fixture, "disk0");
        }
    }

    private DriveImage device(String path, DriveImage.Use use) throws IOException {
        return new DriveImage(
                new DriveId("disk0"),
                path,
                Optional.of(Path.of(path)),
                use,
                RawFileBackend.open(image(), BackendAccess.READ_WRITE));
    }

    private Optional<String> ofExport(String drive, DriveImage.Use use) throws IOException {
        Path image = directory.resolve(drive + ".raw");
        AgentFixture.makeImage(image, SIZE_BYTES);
        for (int run = 0; ; run++) {
            try (AgentFixture fixture = AgentFixture.open(directory)) {
                fixture.agent()
                        .attach(new DriveImage(
                                new DriveId(drive),
                                "nbd://host/" + drive,
                                Optional.empty(),
                                use,
                                RawFileBackend.open(image, BackendAccess.READ_WRITE)));
                if (run == 1) {
                    return suspicion(fixture, drive);
                }
                fixture.transact(Completion.INDIVIDUAL, AgentFixture.add(drive, "a"));
            }
        }
    }

    private Path image() {
        return directory.resolve("disk0.raw");
    }

    private static void write(Path image, long offsetBytes) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.seek(offsetBytes);
            file.write(9);
        }
    }

    private static void resize(Path image, long sizeBytes) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(sizeBytes);
        }
    }
}
