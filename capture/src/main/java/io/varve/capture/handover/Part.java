package io.varve.capture.handover;

import io.varve.capture.tracking.ReleasedDrive;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.core.bits.PackedMarks;
import io.varve.core.event.LogRecord;
import io.varve.schemas.LogRecordCodec;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * A part of what is carried from one agent to another, as bytes; numbers are big-endian.
 *
 * <pre>
 *   journal       for each record: its length (4 bytes), the record as in a journal's file
 *   generation    granularity (8 bytes), size of the drive then (8 bytes), its marks as {@link PackedMarks}' runs
 * </pre>
 */
public sealed interface Part {
    /** Anything larger is refused: whoever carries and takes it has it in memory. */
    int BYTES_MAX = 256 << 20;

    String JOURNAL = "journal";

    /** The journal's control events. */
    record OfJournal() implements Part {
        @Override
        public String name() {
            return JOURNAL;
        }

        @Override
        public byte[] of(ReleasedDrive drive) {
            return encode(drive.records());
        }
    }

    /** A sealed generation's marks. */
    record OfGeneration(long number) implements Part {
        @Override
        public String name() {
            return Long.toString(number);
        }

        @Override
        public byte[] of(ReleasedDrive drive) throws IOException {
            return encode(drive.marks(number));
        }
    }

    /** {@code journal}, or a generation's number. */
    String name();

    byte[] of(ReleasedDrive drive) throws IOException;

    /**
     * The part of this name.
     *
     * @throws IllegalArgumentException when there is no such part, in one sentence
     */
    static Part named(String name) {
        if (name.equals(JOURNAL)) {
            return new OfJournal();
        }
        try {
            return new OfGeneration(Long.parseLong(name));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "part '" + name + "' of a hand-over; expected 'journal' or the number of a generation", e);
        }
    }

    static byte[] encode(List<LogRecord> records) {
        LogRecordCodec codec = new LogRecordCodec();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            for (LogRecord record : records) {
                byte[] encoded = codec.encode(record);
                out.writeInt(encoded.length);
                out.write(encoded);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("memory can be written", e);
        }
        return bytes.toByteArray();
    }

    /**
     * The records of a journal's bytes.
     *
     * @throws IOException when these aren't records that this version can read, in one sentence
     */
    static List<LogRecord> records(byte[] bytes) throws IOException {
        LogRecordCodec codec = new LogRecordCodec();
        List<LogRecord> records = new ArrayList<>();
        ByteBuffer in = ByteBuffer.wrap(bytes);
        while (in.hasRemaining()) {
            int lengthBytes = in.remaining() < Integer.BYTES ? -1 : in.getInt();
            if (lengthBytes < 0 || lengthBytes > in.remaining()) {
                throw new IOException("the journal that came is damaged at byte " + in.position() + ": carry it again");
            }
            byte[] record = new byte[lengthBytes];
            in.get(record);
            records.add(codec.decode(record));
        }
        return records;
    }

    static byte[] encode(Marks marks) {
        byte[] runs = PackedMarks.of(marks).runs();
        return ByteBuffer.allocate(2 * Long.BYTES + runs.length)
                .putLong(marks.granularity().bytes())
                .putLong(marks.sizeBytes())
                .put(runs)
                .array();
    }

    /**
     * The marks of a generation's bytes.
     *
     * @throws IOException when these aren't marks, in one sentence
     */
    static Marks marks(byte[] bytes) throws IOException {
        try {
            ByteBuffer in = ByteBuffer.wrap(bytes);
            Granularity granularity = new Granularity(in.getLong());
            long sizeBytes = in.getLong();
            byte[] runs = new byte[in.remaining()];
            in.get(runs);
            return new PackedMarks(granularity, sizeBytes, runs).unpack();
        } catch (BufferUnderflowException | IllegalArgumentException e) {
            throw new IOException("the marks that came are damaged (" + e.getMessage() + "): carry them again", e);
        }
    }
}
