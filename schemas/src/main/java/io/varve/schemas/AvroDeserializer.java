package io.varve.schemas;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.Schema;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.specific.SpecificDatumReader;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Deserializer;
import org.jspecify.annotations.Nullable;

/** Reads what {@link AvroSerializer} writes, with whatever schema it was written. */
final class AvroDeserializer<C, A> implements Deserializer<C> {
    private final SchemaIds ids;
    private final Schema schema;
    private final Function<A, C> toCore;
    private final Map<Integer, SpecificDatumReader<A>> readers = new ConcurrentHashMap<>();

    AvroDeserializer(SchemaIds ids, Schema schema, Function<A, C> toCore) {
        this.ids = ids;
        this.schema = schema;
        this.toCore = toCore;
    }

    @Override
    public @Nullable C deserialize(String topic, byte @Nullable [] bytes) {
        if (bytes == null) {
            return null;
        }
        if (bytes.length < AvroSerializer.HEADER_BYTES || bytes[0] != AvroSerializer.MAGIC) {
            throw new SerializationException("a record of " + topic + " has " + bytes.length
                    + " bytes that don't begin with magic byte 0 and a schema id: only Varve writes there");
        }
        int id = ByteBuffer.wrap(bytes, 1, Integer.BYTES).getInt();
        try {
            return toCore.apply(reader(id).read(null, body(bytes)));
        } catch (IOException | AvroRuntimeException | IllegalArgumentException | ArithmeticException e) {
            throw new SerializationException(
                    "a record of " + topic + " with schema id " + id + " isn't a " + schema.getName() + " that Varve "
                            + "can read: " + e.getMessage(),
                    e);
        }
    }

    private static org.apache.avro.io.Decoder body(byte[] bytes) {
        return DecoderFactory.get()
                .binaryDecoder(bytes, AvroSerializer.HEADER_BYTES, bytes.length - AvroSerializer.HEADER_BYTES, null);
    }

    private SpecificDatumReader<A> reader(int id) {
        return readers.computeIfAbsent(id, known -> new SpecificDatumReader<>(ids.schemaOf(known), schema));
    }
}
