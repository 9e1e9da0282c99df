package io.varve.schemas;

import io.varve.core.bits.PackedMarks;
import io.varve.core.commit.Outcome;
import io.varve.core.commit.Task;
import io.varve.core.commit.UnitInput;
import io.varve.core.commit.UnitState;
import io.varve.core.drive.DriveState;
import io.varve.core.event.LogRecord;
import io.varve.schemas.mapping.DriveMapping;
import io.varve.schemas.mapping.EventMapping;
import io.varve.schemas.mapping.OutcomeMapping;
import io.varve.schemas.mapping.UnitMapping;
import io.varve.schemas.mapping.WorkMapping;
import java.util.function.Function;
import org.apache.avro.Schema;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** Serdes of core's records, for producers, consumers and stores. Keys are strings. Each is safe for any thread. */
public record VarveSerdes(SchemaIds ids) {

    /** Values of {@link Topics#CHANGES}; the key is the drive. */
    public Serde<LogRecord> logRecords() {
        return of(io.varve.schemas.avro.LogRecord.getClassSchema(), EventMapping::toAvro, EventMapping::toCore);
    }

    /** Values of {@link Topics#BACKUP_TASKS}; the key is the unit, with the drive for a copy. */
    public Serde<Task> tasks() {
        return of(io.varve.schemas.avro.Task.getClassSchema(), WorkMapping::toAvro, WorkMapping::toCore);
    }

    /** Values of {@link Topics#BACKUP_OUTCOMES}; the key is the drive. */
    public Serde<Outcome> outcomes() {
        return of(io.varve.schemas.avro.Outcome.getClassSchema(), OutcomeMapping::toAvro, OutcomeMapping::toCore);
    }

    /** Values of {@link Topics#SYNC_POINTS}; the key is the unit. Their parts have no cut. */
    public Serde<UnitState> unitStates() {
        return of(io.varve.schemas.avro.UnitState.getClassSchema(), UnitMapping::toAvro, UnitMapping::toCore);
    }

    /** Values of {@link Topics#CATALOG}; the key is {@link CatalogEntry#key}. */
    public Serde<CatalogEntry> catalogEntries() {
        return of(io.varve.schemas.avro.CatalogEntry.getClassSchema(), CatalogMapping::toAvro, CatalogMapping::toCore);
    }

    /** Between the parts of the topology. */
    public Serde<UnitInput> unitInputs() {
        return of(io.varve.schemas.avro.UnitInput.getClassSchema(), UnitMapping::toAvro, UnitMapping::toCore);
    }

    /** For stores. */
    public Serde<DriveState> driveStates() {
        return of(io.varve.schemas.avro.DriveState.getClassSchema(), DriveMapping::toAvro, DriveMapping::toCore);
    }

    /** For stores. */
    public Serde<PackedMarks> packedMarks() {
        return of(io.varve.schemas.avro.PackedMarks.getClassSchema(), WorkMapping::toAvro, WorkMapping::toCore);
    }

    private <C, A> Serde<C> of(Schema schema, Function<C, A> toAvro, Function<A, C> toCore) {
        return Serdes.serdeFrom(
                new AvroSerializer<>(ids, schema, toAvro), new AvroDeserializer<C, A>(ids, schema, toCore));
    }
}
