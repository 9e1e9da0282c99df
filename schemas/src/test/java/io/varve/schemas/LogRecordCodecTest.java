package io.varve.schemas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.Seeds;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.NewArea;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HexFormat;
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

    private LogRecord decoded(byte[] bytes) {
        try {
            return codec.decode(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
