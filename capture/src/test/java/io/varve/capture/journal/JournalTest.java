package io.varve.capture.journal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.bits.Granularity;
import io.varve.core.drive.Recording;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import io.varve.core.id.IncarnationId;
import io.varve.core.id.JournalId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JournalTest {
    private static final JournalId ID = new JournalId(new UUID(1, 2));

    @TempDir
    Path directory;

    @Test
    void shouldReadWhatWasAppended() throws IOException {
        try (Journal journal = Journal.create(file(), ID)) {
            journal.append(List.of(added(1), added(2)));
            journal.append(List.of(added(3)));
        }

        try (Journal journal = Journal.open(file())) {
            assertEquals(ID, journal.id());
            assertEquals(List.of(added(1), added(2), added(3)), journal.records());
            assertEquals(Optional.of(added(2)), journal.read(2));
            assertEquals(Optional.empty(), journal.read(4));
        }
    }

    @Test
    void shouldCutOffATornTailAtEveryLength() throws IOException {
        long wholeBytes;
        try (Journal journal = Journal.create(file(), ID)) {
            journal.append(List.of(added(1)));
            wholeBytes = journal.sizeBytes();
            journal.append(List.of(added(2), added(3)));
        }
        byte[] bytes = Files.readAllBytes(file());

        for (int lengthBytes = (int) wholeBytes; lengthBytes < bytes.length; lengthBytes++) {
            Files.write(file(), Arrays.copyOf(bytes, lengthBytes));
            try (Journal journal = Journal.open(file())) {
                assertEquals(List.of(added(1)), journal.records(), "torn at " + lengthBytes);
                journal.append(List.of(added(4)));
                assertEquals(List.of(added(1), added(4)), journal.records());
            }
        }
    }

    @Test
    void shouldCutOffATailThatWasNeverWritten() throws IOException {
        try (Journal journal = Journal.create(file(), ID)) {
            journal.append(List.of(added(1)));
        }
        byte[] bytes = Files.readAllBytes(file());

        Files.write(file(), Arrays.copyOf(bytes, bytes.length + 5000));

        try (Journal journal = Journal.open(file())) {
            assertEquals(List.of(added(1)), journal.records());
        }
    }

    @Test
    void shouldRefuseDamageBeforeTheLastFrame() throws IOException {
        try (Journal journal = Journal.create(file(), ID)) {
            journal.append(List.of(added(1)));
            journal.append(List.of(added(2)));
        }
        byte[] bytes = Files.readAllBytes(file());

        bytes[JournalHeader.BYTES + Frame.HEADER_BYTES + 9] ^= 1;
        Files.write(file(), bytes);

        IOException refused = assertThrows(CorruptJournalException.class, () -> Journal.open(file()));
        assertTrue(String.valueOf(refused.getMessage()).contains("damaged at offset 24"), refused.getMessage());
    }

    @Test
    void shouldRefuseWhatIsNoJournal() throws IOException {
        Files.writeString(file(), "something else entirely, and long enough");

        assertThrows(CorruptJournalException.class, () -> Journal.open(file()));
    }

    @Test
    void shouldHoldWhatACompactionKept() throws IOException {
        try (Journal journal = Journal.create(file(), ID)) {
            journal.append(List.of(added(1), added(2), added(3)));
            journal.compact(List.of(added(1), added(4)));
            journal.append(List.of(added(5)));
            assertEquals(Optional.of(4L), journal.firstControl());
        }

        try (Journal journal = Journal.open(file())) {
            assertEquals(List.of(added(1), added(4), added(5)), journal.records());
            assertEquals(Optional.of(4L), journal.firstControl());
        }
    }

    @Test
    void shouldRefuseALengthThatLeadsPastWholeFrames() throws IOException { // reliability 6.7: else numbers come again
        try (Journal journal = Journal.create(file(), ID)) {
            journal.append(List.of(added(1)));
            journal.append(List.of(added(2)));
        }
        byte[] bytes = Files.readAllBytes(file());

        for (int bit = 8; bit < 32; bit++) {
            byte[] damaged = bytes.clone();
            damaged[JournalHeader.BYTES + 3 - bit / 8] ^= (byte) (1 << bit % 8);
            Files.write(file(), damaged);
            assertThrows(CorruptJournalException.class, () -> Journal.open(file()));
        }
    }

    private Path file() {
        return directory.resolve("journal");
    }

    private static LogRecord added(long control) {
        return new LogRecord(
                new DriveId("disk0"),
                new IncarnationId(new UUID(3, 4)),
                control,
                new DriveEvent.BitmapAdded(
                        new BitmapName("b" + control), Granularity.DEFAULT, true, Recording.ENABLED));
    }
}
