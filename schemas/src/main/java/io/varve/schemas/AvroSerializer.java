package io.varve.schemas;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.function.Function;
import org.apache.avro.Schema;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificDatumWriter;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Serializer;
import org.jspecify.annotations.Nullable;

/**
 * Writes core's records in the Confluent wire format.
 *
 * <pre>
 *   offset  0      1           5
 *           0x00   schema id   Avro binary
 *                  4 bytes,
 *                  big-endian
 * </pre>
 *
 * @param <C> core's record
 * @param <A> its Avro class
 */
final class AvroSerializer<C, A> implements Serializer<C> {
    static final byte MAGIC = 0;
    static final int HEADER_BYTES = 5;

    private final SchemaIds ids;
    private final Schema schema;
    private final Function<C, A> toAvro;
    private final SpecificDatumWriter<A> writer;

    AvroSerializer(SchemaIds ids, Schema schema, Function<C, A> toAvro) {
        this.ids = ids;
        this.schema = schema;
        this.toAvro = toAvro;
        this.writer = new SpecificDatumWriter<>(schema);
    }

    @Override
    public byte @Nullable [] serialize(String topic, @Nullable C value) {
        if (value == null) {
            return null;
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.write(MAGIC);
        bytes.writeBytes(
                ByteBuffer.allocate(Integer.BYTES).putInt(ids.idOf(schema)).array());
        try {
            BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(bytes, null);
            writer.write(toAvro.apply(value), encoder);
            encoder.flush();
        } catch (IOException e) {
            throw new SerializationException("a " + schema.getName() + " can't be written for " + topic, e);
        }
        return bytes.toByteArray();
    }
}
