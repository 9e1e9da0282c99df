package io.varve.capture.journal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
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
import java.util.stream.LongStream;
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
    void shouldCutOffATailOfWhichAnySectorIsMissing() throws IOException { // a power cut tears in any order
        long wholeBytes;
        try (Journal journal = Journal.create(file(), ID)) {
            journal.append(List.of(added(1)));
            wholeBytes = journal.sizeBytes();
            journal.append(
                    LongStream.rangeClosed(2, 60).mapToObj(JournalTest::added).toList());
        }
        byte[] bytes = Files.readAllBytes(file());
        int sectors = (bytes.length + 511) / 512;

        for (int lost = 0; lost < sectors; lost++) {
            byte[] torn = bytes.clone();
            int from = (int) Math.max(wholeBytes, lost * 512L);
            Arrays.fill(torn, from, Math.min(torn.length, (lost + 1) * 512), (byte) 0);
            Files.write(file(), torn);
            try (Journal journal = Journal.open(file())) {
                assertEquals(List.of(added(1)), journal.records(), "sector " + lost);
            }
        }
    }

    @Test
    void shouldNoticeEachFlippedByte() throws IOException { // I4: damage is refused, or costs the last append alone
        long secondBytes;
        try (Journal journal = Journal.create(file(), ID)) {
            journal.append(List.of(added(1)));
            secondBytes = journal.sizeBytes();
            journal.append(List.of(added(2)));
        }
        byte[] bytes = Files.readAllBytes(file());

        for (int at = 0; at < bytes.length; at++) {
            byte[] damaged = bytes.clone();
            damaged[at] ^= 0x5a;
            Files.write(file(), damaged);
            boolean isId = at >= Long.BYTES && at < JournalHeader.BYTES;
            if (at < secondBytes && !isId) {
                assertThrows(CorruptJournalException.class, () -> Journal.open(file()), "byte " + at);
            } else {
                try (Journal journal = Journal.open(file())) {
                    assertEquals(isId ? List.of(added(1), added(2)) : List.of(added(1)), journal.records());
                    assertEquals(isId, !journal.id().equals(ID));
                }
            }
        }
    }

    @Test
    void shouldRefuseAnotherVersion() throws IOException {
        Journal.create(file(), ID).close();
        byte[] bytes = Files.readAllBytes(file());
        bytes[7] = 2;
        Files.write(file(), bytes);

        assertThrows(CorruptJournalException.class, () -> Journal.open(file()));
    }

    @Test
    void shouldTakeARecordThatCameTwiceAsOne() throws IOException { // reliability 6.7
        try (Journal journal = Journal.create(file(), ID)) {
            journal.append(List.of(added(1), added(2)));
            journal.append(List.of(added(2), added(3)));
        }

        try (Journal journal = Journal.open(file())) {
            assertEquals(List.of(added(1), added(2), added(3)), journal.records());
        }
    }

    @Test
    void shouldLookWithoutAChange() throws IOException {
        try (Journal journal = Journal.create(file(), ID)) {
            journal.append(List.of(added(1)));
            journal.append(List.of(added(2)));
        }
        byte[] bytes = Files.readAllBytes(file());
        byte[] torn = Arrays.copyOf(bytes, bytes.length - 3);
        Files.write(file(), torn);

        Journal.Held held = Journal.look(file());

        assertEquals(List.of(added(1)), held.records());
        assertTrue(held.tornBytes() > 0);
        assertArrayEquals(torn, Files.readAllBytes(file()));
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
