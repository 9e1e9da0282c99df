package io.varve.schemas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.Seeds;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import java.io.IOException;
import java.io.UncheckedIOException;
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

    private LogRecord decoded(byte[] bytes) {
        try {
            return codec.decode(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
