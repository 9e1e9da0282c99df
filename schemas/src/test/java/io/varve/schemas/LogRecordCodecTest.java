package io.varve.schemas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.Seeds;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.Completion;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.FullCause;
import io.varve.core.drive.NewArea;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.id.DriveId;
import io.varve.core.id.IncarnationId;
import io.varve.core.id.SyncPointId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class LogRecordCodecTest {
    private final LogRecordCodec codec = new LogRecordCodec();

    @Test
    void shouldKeepEveryEvent() {
        Seeds.forEach(20, random -> {
            for (Class<?> type : DriveEvent.class.getPermittedSubclasses()) {
                LogRecord record = new RandomRecords(random).logRecord(type);

                LogRecord read = decoded(codec.encode(record));

                assertEquals(record, read);
            }
        });
    }

    @Test
    void shouldRefuseBytesOfNoKnownSchema() {
        byte[] unknown = {(byte) 0xc3, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9};

        var refused = assertThrows(IOException.class, () -> codec.decode(unknown));

        assertTrue(String.valueOf(refused.getMessage()).startsWith("not a log record"), refused.getMessage());
    }

    /** Bytes that the version before sequences and imports wrote. */
    @Test
    void shouldReadWhatAnEarlierVersionWrote() {
        String prefix = "c30156a08c956d4780fe0c647269766530000000000000000100000000000000010e";
        LogRecord resized = decoded(HexFormat.of().parseHex(prefix + "1880808001"));
        LogRecord added = decoded(HexFormat.of().parseHex(prefix + "0602618080080100"));
        LogRecord checkpoint = decoded(HexFormat.of()
                .parseHex(prefix + "1e0c647269766530000000000000000200000000000000020200000000000000010000000000000001"
                        + "000e808080010404808008808080010200af5570f5a1810b7af78caf4bc70a660f0df51e42baf91d4de5b2328de0"
                        + "e83dfc0680800880808001000002026180800801020873702d31000206000000020400000000"));

        assertEquals(new DriveEvent.DriveResized(1 << 20, NewArea.UNKNOWN), resized.event());
        assertInstanceOf(DriveEvent.BitmapAdded.class, added.event());
        DriveState state = assertInstanceOf(DriveEvent.Checkpoint.class, checkpoint.event())
                .state();
        Bitmap bitmap = state.newestFirst().getFirst();
        assertEquals(0, bitmap.sequence());
        assertEquals(
                0, assertInstanceOf(BitmapStatus.Busy.class, bitmap.status()).successorSequence());
    }

    /** Bytes of a full backup's marker, which are the same by each schema before causes. */
    @Test
    void shouldReadMarkersThatEarlierVersionsWroteWithoutACause() {
        for (String fingerprint : List.of("56a08c956d4780fe", "f8117abff14313fd", "a74177781382de60")) {
            LogRecord marked = decoded(HexFormat.of()
                    .parseHex("c301" + fingerprint + "0c647269766530000000000000000100000000000000010e14"
                            + "0873702d3100020c647269766530000202000002026100808080010e756e69783a2f73166472697665"
                            + "304073702d31"));

            SyncPointMark mark = assertInstanceOf(DriveEvent.SyncPointMarked.class, marked.event())
                    .mark();
            assertEquals(new BackupKind.Full(Optional.empty()), mark.kind());
            assertEquals(BackupTarget.ARCHIVE, mark.target());
            assertEquals("drive0@sp-1", mark.export().name());
            assertEquals(marked, decoded(codec.encode(marked)));
        }
    }

    @Test
    void shouldReadACauseOfALaterVersionAsTheGeneralOne() {
        SyncPointMark mark = new SyncPointMark(
                new BackupKey(new SyncPointId("sp-1"), 0),
                new TreeSet<>(List.of(new DriveId("drive0"))),
                Completion.INDIVIDUAL,
                BackupTarget.ARCHIVE,
                new BackupKind.Full(Optional.of(FullCause.NO_ANCHOR)),
                Optional.empty(),
                new TreeSet<>(),
                1 << 20,
                new SyncPointMark.SnapshotExport("unix:/s", "drive0@sp-1"));
        LogRecord record = new LogRecord(
                new DriveId("drive0"), new IncarnationId(new UUID(1, 1)), 7, new DriveEvent.SyncPointMarked(mark));
        String bytes = HexFormat.of().formatHex(codec.encode(record));
        String known = HexFormat.of().formatHex("no-anchor".getBytes(StandardCharsets.UTF_8));
        String unknown = HexFormat.of().formatHex("new-cause".getBytes(StandardCharsets.UTF_8));

        LogRecord later = decoded(HexFormat.of().parseHex(bytes.replace(known, unknown)));

        assertEquals(
                Optional.of(FullCause.INCONSISTENT),
                assertInstanceOf(DriveEvent.SyncPointMarked.class, later.event())
                        .mark()
                        .kind()
                        .fullCause());
    }

    private LogRecord decoded(byte[] bytes) {
        try {
            return codec.decode(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
