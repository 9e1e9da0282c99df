package io.varve.schemas;

import org.apache.avro.Schema;
import org.apache.kafka.common.errors.SerializationException;

/** The numbers by which records name the schema that they were written with. Safe for any thread. */
public interface SchemaIds {
    /**
     * The id of {@code schema}.
     *
     * @throws SerializationException when it isn't registered
     */
    int idOf(Schema schema);

    /**
     * The schema with {@code id}.
     *
     * @throws SerializationException when there is none
     */
    Schema schemaOf(int id);

    /** The schemas of this version alone, with the ids 1, 2, 3 …: for what never leaves a process. */
    static SchemaIds ofThisVersion() {
        return SchemaTable.EMPTY.with(KnownSchemas.ALL);
    }
}
