package io.varve.simulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.varve.core.bits.Granularity;
import io.varve.core.drive.Arrival;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Trust;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.id.DriveId;
import io.varve.core.id.IncarnationId;
import io.varve.core.id.JournalId;
import io.varve.core.reader.LogReader;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** A journal that another took the place of doesn't come back by being published again (I8). */
class SupersededJournalTest {
    private static final DriveId DRIVE = new DriveId("d0");

    private final MemoryStores stores = new MemoryStores();
    private final LogReader reader = new LogReader(stores, said -> {});

    @Test
    void shouldNotGoBackToASupersededJournal() {
        LogRecord first = begins(1);
        LogRecord second = begins(2);

        reader.on(first, 0);
        reader.on(second, 1);
        reader.on(first, 2);

        DriveState state = stores.state(DRIVE).orElseThrow();
        assertEquals(new JournalId(new UUID(0, 2)), state.journal());
        assertInstanceOf(Trust.Suspect.class, state.trust());
    }

    @Test
    void shouldTakeTheSameRecordsOnceMoreAfterAKill() {
        reader.on(begins(1), 0);
        reader.on(begins(2), 1);

        LogReader restarted = new LogReader(stores, said -> {});
        restarted.on(begins(1), 0);
        restarted.on(begins(2), 1);

        DriveState state = stores.state(DRIVE).orElseThrow();
        assertEquals(new JournalId(new UUID(0, 2)), state.journal());
        assertInstanceOf(Trust.Sound.class, state.trust());
    }

    private static LogRecord begins(int number) {
        return new LogRecord(
                DRIVE,
                new IncarnationId(new UUID(1, number)),
                1,
                new DriveEvent.DriveAttached(
                        new JournalId(new UUID(0, number)),
                        Optional.empty(),
                        1,
                        Granularity.DEFAULT,
                        1 << 20,
                        Attaching.IDENTITY,
                        Arrival.FRESH));
    }
}
