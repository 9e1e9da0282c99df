package io.varve.streams;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.varve.core.bits.Marks;
import io.varve.core.event.DriveEvent.ExtentsDirtied;
import io.varve.core.event.LogRecord;
import java.nio.file.Path;
import java.util.List;
import org.apache.kafka.streams.errors.DeserializationExceptionHandler;
import org.apache.kafka.streams.errors.LogAndContinueExceptionHandler;
import org.apache.kafka.streams.errors.LogAndFailExceptionHandler;
import org.apache.kafka.streams.errors.StreamsException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sabotage by configuration: a record that is passed over is a lost bit (I4). */
class BrokenConfigurationTest {
    private static final String DRIVE = "vda";

    @TempDir
    Path folder;

    @Test
    void shouldStopAtARecordThatCannotBeRead() {
        assertThrows(StreamsException.class, () -> readLogWith(LogAndFailExceptionHandler.class));
    }

    @Test
    void shouldMissMarksWhenAnUnreadableRecordIsPassedOver() {
        assertThrows(AssertionError.class, () -> readLogWith(LogAndContinueExceptionHandler.class));
    }

    /** Reads a log, one record of which can't be read; the marks read must be those that were written. */
    private void readLogWith(Class<? extends DeserializationExceptionHandler> unreadable) {
        WritingHost host = WritingHost.withAnchoredBitmaps(64L << 20, 65_536, DRIVE);
        host.write(DRIVE, 1 << 20, 1 << 20);
        List<LogRecord> log = host.log();
        LogRecord last = log.getLast();
        ExtentsDirtied dirtied = (ExtentsDirtied) last.event();

        try (TopologyFixture topology = new TopologyFixture(folder, unreadable)) {
            topology.publish(log.subList(0, log.size() - 1));
            topology.publishUnreadable(DRIVE);

            Marks read = topology.marks(DRIVE, topology.state(DRIVE).open());
            assertEquals(dirtied.extents(), read.extents());
        }
    }
}
