package io.varve.capture.activity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.varve.capture.activity.ActivityFile.Content;
import io.varve.core.activity.RegionSpan;
import io.varve.core.id.IncarnationId;
import io.varve.core.id.JournalId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ActivityFileTest {
    private static final ActivityFile.Owner OWNER = new ActivityFile.Owner(
            new JournalId(new UUID(1, 2)),
            new IncarnationId(new UUID(3, 4)),
            Optional.of(new IncarnationId(new UUID(5, 6))));
    private static final int HOT_MAX = 600;

    @TempDir
    Path directory;

    @Test
    void shouldReadTheNewestRecord() throws IOException {
        try (ActivityFile file = create()) {
            assertEquals(whole(1, 7, 100), ActivityFile.read(directory));
            for (int number = 2; number < 6; number++) {
                file.keptMarks(number);
                file.write(spans(number), 1000 + number);
                Content.Whole expected = new Content.Whole(
                        OWNER, new ActivityRecord(number, Math.max(7, number), 1000 + number, spans(number)));
                assertEquals(expected, ActivityFile.read(directory));
            }
        }
        assertEquals(sizeBytes(), Files.size(directory.resolve(ActivityFile.NAME)));
    }

    @Test
    void shouldFindTheRecordBeforeOneThatIsTornAnywhere() throws IOException {
        byte[] before;
        byte[] after;
        try (ActivityFile file = create()) {
            file.write(spans(300), 200);
            before = bytes();
            file.write(spans(400), 300);
            after = bytes();
        }

        for (int sector = 0; sector < before.length / 512; sector++) {
            byte[] torn = after.clone();
            System.arraycopy(before, sector * 512, torn, sector * 512, 512);
            Files.write(directory.resolve(ActivityFile.NAME), torn);
            Content.Whole found = assertInstanceOf(Content.Whole.class, ActivityFile.read(directory));
            boolean isNew = java.util.Arrays.equals(torn, after);
            assertEquals(isNew ? spans(400) : spans(300), found.record().spans(), "sector " + sector);
        }
    }

    @Test
    void shouldNotBelieveAFlippedByte() throws IOException {
        byte[] bytes;
        try (ActivityFile file = create()) {
            file.write(spans(3), 200);
            bytes = bytes();
        }
        int recordEnd = 4096 + ActivityRecord.byteSize(3);

        for (int at = 0; at < recordEnd; at++) {
            byte[] damaged = bytes.clone();
            damaged[at] ^= 0x41;
            Files.write(directory.resolve(ActivityFile.NAME), damaged);
            switch (ActivityFile.read(directory)) {
                case Content.Damaged damage -> {}
                case Content.Absent absent -> throw new AssertionError("byte " + at);
                // The other record, or a byte that means nothing.
                case Content.Whole(var owner, var record) -> {
                    assertEquals(OWNER, owner);
                    assertEquals(at >= 64 && at < 4096 ? 2 : 1, record.sequence(), "byte " + at);
                }
            }
        }
    }

    @Test
    void shouldTellThatThereIsNone() throws IOException {
        assertEquals(new Content.Absent(), ActivityFile.read(directory));
        Files.writeString(directory.resolve(ActivityFile.NAME), "something else");
        assertInstanceOf(Content.Damaged.class, ActivityFile.read(directory));
        ActivityFile.remove(directory);
        assertEquals(new Content.Absent(), ActivityFile.read(directory));
    }

    private ActivityFile create() throws IOException {
        return ActivityFile.create(directory, OWNER, HOT_MAX, new ActivityRecord(1, 7, 100, List.of()));
    }

    private static Content.Whole whole(long sequence, long marksGeneration, long leaseMillis) {
        return new Content.Whole(OWNER, new ActivityRecord(sequence, marksGeneration, leaseMillis, List.of()));
    }

    private static List<RegionSpan> spans(int count) {
        return java.util.stream.IntStream.range(0, count)
                .mapToObj(index -> new RegionSpan(index * 3 + count, 1))
                .toList();
    }

    private byte[] bytes() throws IOException {
        return Files.readAllBytes(directory.resolve(ActivityFile.NAME));
    }

    /** A page, and two records of whole pages. */
    private static long sizeBytes() {
        return 4096 + 2 * 8192;
    }
}
