package io.varve.schemas;

import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.avro.Schema;
import org.apache.kafka.common.errors.SerializationException;

/** Schema ids that don't change. */
final class SchemaTable implements SchemaIds {
    static final SchemaTable EMPTY = new SchemaTable(new TreeMap<>());

    private final SortedMap<Integer, Schema> schemas;
    private final Map<Schema, Integer> ids;

    SchemaTable(SortedMap<Integer, Schema> schemas) {
        this.schemas = Collections.unmodifiableSortedMap(new TreeMap<>(schemas));
        this.ids = new HashMap<>();
        this.schemas.forEach((id, schema) -> ids.putIfAbsent(schema, id));
    }

    /** The table with those of {@code wanted} that it lacks, in their order, behind what is there. */
    SchemaTable with(List<Schema> wanted) {
        SortedMap<Integer, Schema> grown = new TreeMap<>(schemas);
        for (Schema schema : wanted) {
            if (!ids.containsKey(schema)) {
                grown.put(grown.isEmpty() ? 1 : grown.lastKey() + 1, schema);
            }
        }
        return new SchemaTable(grown);
    }

    SortedMap<Integer, Schema> schemas() {
        return schemas;
    }

    boolean contains(int id) {
        return schemas.containsKey(id);
    }

    @Override
    public int idOf(Schema schema) {
        Integer id = ids.get(schema);
        if (id == null) {
            throw new SerializationException("the schema " + schema.getFullName()
                    + " of this version isn't registered: run varve up, or register it, before this role starts");
        }
        return id;
    }

    @Override
    public Schema schemaOf(int id) {
        Schema schema = schemas.get(id);
        if (schema == null) {
            throw new SerializationException(
                    "no schema has the id " + id + "; known are " + schemas.keySet() + ": is this Kafka Varve's?");
        }
        return schema;
    }
}
