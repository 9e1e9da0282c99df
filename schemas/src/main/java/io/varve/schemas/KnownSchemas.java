package io.varve.schemas;

import io.varve.schemas.avro.CatalogEntry;
import io.varve.schemas.avro.DriveState;
import io.varve.schemas.avro.LogRecord;
import io.varve.schemas.avro.Outcome;
import io.varve.schemas.avro.PackedMarks;
import io.varve.schemas.avro.Task;
import io.varve.schemas.avro.UnitInput;
import io.varve.schemas.avro.UnitState;
import java.util.List;
import org.apache.avro.Schema;

/** The schemas that this version writes, in the order in which they get their ids: new ones go last. */
final class KnownSchemas {
    static final List<Schema> ALL = List.of(
            LogRecord.getClassSchema(),
            DriveState.getClassSchema(),
            Task.getClassSchema(),
            Outcome.getClassSchema(),
            UnitState.getClassSchema(),
            UnitInput.getClassSchema(),
            PackedMarks.getClassSchema(),
            CatalogEntry.getClassSchema());

    private KnownSchemas() {}
}
