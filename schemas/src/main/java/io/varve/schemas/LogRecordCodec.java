package io.varve.schemas;

import io.varve.core.event.LogRecord;
import io.varve.schemas.mapping.EventMapping;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Objects;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.Schema;
import org.apache.avro.message.BinaryMessageDecoder;
import org.apache.avro.message.BinaryMessageEncoder;
import org.apache.avro.specific.SpecificData;

/**
 * Log records as bytes that need no registry: Avro's single-object encoding (0xC3 0x01, the schema's CRC-64-AVRO
 * fingerprint in 8 bytes, little-endian, then Avro binary; Avro specification, "Single-object encoding"). For journals.
 * What earlier versions wrote is read, too.
 *
 * <p>Safe for any thread.
 */
public final class LogRecordCodec {
    private static final Schema SCHEMA = io.varve.schemas.avro.LogRecord.getClassSchema();

    /** The schemas that earlier versions wrote, in their canonical form. */
    private static final List<String> EARLIER = List.of("LogRecord-1.avsc", "LogRecord-2.avsc", "LogRecord-3.avsc");

    private final BinaryMessageEncoder<io.varve.schemas.avro.LogRecord> encoder =
            new BinaryMessageEncoder<>(new SpecificData(), SCHEMA);
    private final BinaryMessageDecoder<io.varve.schemas.avro.LogRecord> decoder =
            new BinaryMessageDecoder<>(new SpecificData(), SCHEMA);

    public LogRecordCodec() {
        EARLIER.forEach(name -> decoder.addSchema(earlier(name)));
    }

    private static Schema earlier(String name) {
        try (InputStream file = LogRecordCodec.class.getResourceAsStream(name)) {
            return new Schema.Parser().parse(Objects.requireNonNull(file, name));
        } catch (IOException e) {
            throw new IllegalStateException(name + " is a part of this program", e);
        }
    }

    /** The record's bytes. */
    public byte[] encode(LogRecord record) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            encoder.encode(EventMapping.toAvro(record), bytes);
        } catch (IOException e) {
            throw new IllegalStateException("memory can be written", e);
        }
        return bytes.toByteArray();
    }

    /**
     * The record of {@code bytes}.
     *
     * @throws IOException when they aren't one that this version can read
     */
    public LogRecord decode(byte[] bytes) throws IOException {
        try {
            return EventMapping.toCore(decoder.decode(bytes));
        } catch (AvroRuntimeException | IllegalArgumentException | ArithmeticException e) {
            throw new IOException("not a log record that this version of Varve can read: " + e.getMessage(), e);
        }
    }
}
