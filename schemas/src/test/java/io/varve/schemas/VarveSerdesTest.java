package io.varve.schemas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.Seeds;
import io.varve.core.bits.PackedMarks;
import io.varve.core.commit.Outcome;
import io.varve.core.commit.Task;
import io.varve.core.commit.UnitInput;
import io.varve.core.commit.UnitState;
import io.varve.core.drive.DriveState;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import java.util.SplittableRandom;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Serde;
import org.junit.jupiter.api.Test;

class VarveSerdesTest {
    private static final int ROUNDS = 50;

    private final VarveSerdes serdes = new VarveSerdes(SchemaIds.ofThisVersion());

    @Test
    void shouldKeepEveryEvent() {
        Seeds.forEach(ROUNDS, random -> {
            for (Class<?> type : DriveEvent.class.getPermittedSubclasses()) {
                assertKept(serdes.logRecords(), new RandomRecords(random).logRecord(type));
            }
        });
    }

    @Test
    void shouldKeepEveryTask() {
        Seeds.forEach(ROUNDS, random -> {
            for (Class<?> type : Task.class.getPermittedSubclasses()) {
                assertKept(serdes.tasks(), (Task) new RandomRecords(random).any(type));
            }
        });
    }

    @Test
    void shouldKeepEveryOutcome() {
        Seeds.forEach(ROUNDS, random -> {
            for (Class<?> type : Outcome.class.getPermittedSubclasses()) {
                assertKept(serdes.outcomes(), (Outcome) new RandomRecords(random).any(type));
            }
        });
    }

    @Test
    void shouldKeepEveryUnitState() {
        Seeds.forEach(ROUNDS, random -> {
            for (Class<?> type : UnitState.class.getPermittedSubclasses()) {
                assertKept(serdes.unitStates(), (UnitState) new RandomRecords(random).any(type));
            }
        });
    }

    @Test
    void shouldKeepEveryUnitInputButSilence() {
        Seeds.forEach(ROUNDS, random -> {
            for (Class<?> type : UnitInput.class.getPermittedSubclasses()) {
                if (type != UnitInput.Silence.class) {
                    assertKept(serdes.unitInputs(), (UnitInput) new RandomRecords(random).any(type));
                }
            }
        });
    }

    @Test
    void shouldKeepStatesMarksAndCatalogEntries() {
        Seeds.forEach(ROUNDS, random -> {
            RandomRecords records = new RandomRecords(random);
            assertKept(serdes.driveStates(), records.any(DriveState.class));
            assertKept(serdes.packedMarks(), records.any(PackedMarks.class));
            assertKept(serdes.catalogEntries(), records.any(CatalogEntry.class));
        });
    }

    @Test
    void shouldWriteTheConfluentWireFormat() {
        byte[] bytes = serdes.outcomes()
                .serializer()
                .serialize("t", new RandomRecords(new SplittableRandom(1)).any(Outcome.class));

        assertEquals(0, bytes[0]);
        assertEquals(
                serdes.ids().idOf(io.varve.schemas.avro.Outcome.getClassSchema()),
                java.nio.ByteBuffer.wrap(bytes).getInt(1));
    }

    @Test
    void shouldRefuseWhatIsntARecordInOneSentence() {
        byte[] unknownId = {0, 0, 0, 3, (byte) 0xe8, 1, 2, 3};
        byte[] noMagic = {7, 0, 0, 0, 1};

        var unknown = assertThrows(SerializationException.class, () -> read(unknownId));
        var garbled = assertThrows(SerializationException.class, () -> read(noMagic));

        assertTrue(unknown.toString().contains("no schema has the id 1000"), unknown.getMessage());
        assertTrue(garbled.toString().contains("magic byte"), garbled.getMessage());
    }

    @Test
    void shouldRefuseEveryMutilatedRecordWithADeclaredException() {
        Seeds.forEach(200, random -> {
            Class<?>[] types = DriveEvent.class.getPermittedSubclasses();
            LogRecord record = new RandomRecords(random).logRecord(types[random.nextInt(types.length)]);
            byte[] bytes = serdes.logRecords().serializer().serialize("t", record);
            byte[] cut = java.util.Arrays.copyOf(bytes, 5 + random.nextInt(bytes.length - 5));

            assertThrows(SerializationException.class, () -> read(cut));
        });
    }

    private LogRecord read(byte[] bytes) {
        return serdes.logRecords().deserializer().deserialize("t", bytes);
    }

    private static <T> void assertKept(Serde<T> serde, T value) {
        byte[] bytes = serde.serializer().serialize("topic", value);

        T read = serde.deserializer().deserialize("topic", bytes);

        assertEquals(value, read);
    }
}
