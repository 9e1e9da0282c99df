package io.varve.capture.journal;

import io.varve.core.event.LogRecord;
import io.varve.core.id.JournalId;
import io.varve.schemas.LogRecordCodec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The durable control events of one drive: an append-only file of checksummed frames behind a header.
 *
 * <p>An append is durable, whole, when it returns. A torn last frame is cut off when the file is opened; a bad frame
 * before the last one can't come from a crash, since an append begins only after the one before was durable, and is
 * refused. After a failed append nothing more is written: what the file holds is unknown until it's opened again.
 *
 * <p>Thread: one at a time.
 */
public final class Journal implements AutoCloseable {
    private static final int LOOKS_MAX = 5;

    private final Path file;
    private final JournalId id;
    private final LogRecordCodec codec = new LogRecordCodec();
    private final NavigableMap<Long, Place> places = new TreeMap<>();
    private FileChannel channel;
    private @Nullable Long firstControl;
    private long endBytes;
    private Optional<String> failure = Optional.empty();

    /** Where a record lies: the frame's position in the file, and the record's number in the frame. */
    private record Place(long frameBytes, int index) {}

    private Journal(Path file, JournalId id, FileChannel channel) {
        this.file = file;
        this.id = id;
        this.channel = channel;
        this.endBytes = JournalHeader.BYTES;
    }

    /** A new journal, in the place of any that is there, durable when it returns. */
    public static Journal create(Path file, JournalId id) throws IOException {
        DurableFiles.replace(file, c -> DurableFiles.writeFully(c, JournalHeader.encode(id), 0));
        return new Journal(file, id, channel(file));
    }

    /**
     * The journal in {@code file}.
     *
     * @throws CorruptJournalException when it isn't one, or is damaged before its last frame
     */
    public static Journal open(Path file) throws IOException {
        Journal journal = opened(file, channel(file));
        try {
            if (journal.endBytes < journal.channel.size()) {
                journal.cutOff();
            }
            return journal;
        } catch (IOException e) {
            journal.close();
            throw e;
        }
    }

    /**
     * What a journal held as it was read without a change to it, perhaps while an agent wrote it.
     *
     * @param records whole ones, in order
     * @param tornBytes behind them: an append that isn't done, or never was
     */
    public record Held(JournalId id, List<LogRecord> records, long tornBytes) {
        public Held {
            records = List.copyOf(records);
        }
    }

    /**
     * Reads what the journal in {@code file} holds.
     *
     * @throws CorruptJournalException as {@link #open}
     */
    public static Held look(Path file) throws IOException {
        for (int attempt = 1; ; attempt++) {
            try (Journal journal = opened(file, FileChannel.open(file, StandardOpenOption.READ))) {
                return new Held(journal.id, journal.records(), Math.max(0, journal.channel.size() - journal.endBytes));
            } catch (CorruptJournalException e) {
                // Perhaps the agent wrote on between two looks.
                if (attempt == LOOKS_MAX) {
                    throw e;
                }
            }
        }
    }

    private static Journal opened(Path file, FileChannel channel) throws IOException {
        try {
            ByteBuffer header = ByteBuffer.allocate(JournalHeader.BYTES);
            DurableFiles.readFully(channel, header, 0);
            JournalId id = JournalHeader.decode(header.flip())
                    .orElseThrow(() -> new CorruptJournalException("'" + file + "' isn't a Varve journal: "
                            + "move it away, and take a full backup of the drive"));
            Journal journal = new Journal(file, id, channel);
            journal.index();
            return journal;
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    public JournalId id() {
        return id;
    }

    public long sizeBytes() {
        return endBytes;
    }

    /** The control number from which on it holds every record; empty when it holds none. */
    public Optional<Long> firstControl() {
        return Optional.ofNullable(firstControl);
    }

    /** The record with this control number, if it is held. */
    public Optional<LogRecord> read(long control) throws IOException {
        Place place = places.get(control);
        if (place == null) {
            return Optional.empty();
        }
        Optional<List<byte[]>> frame = frame(place.frameBytes());
        return Optional.of(codec.decode(
                frame.orElseThrow(() -> corrupt(place.frameBytes())).get(place.index())));
    }

    /** Every record, in order. */
    public List<LogRecord> records() throws IOException {
        List<LogRecord> records = new ArrayList<>();
        for (Long control : places.keySet()) {
            records.add(read(control).orElseThrow());
        }
        return records;
    }

    /** Appends {@code records}, all or none; they are durable when it returns. */
    public void append(List<LogRecord> records) throws IOException {
        checkUsable();
        if (records.isEmpty()) {
            return;
        }
        ByteBuffer frame = Frame.encode(records.stream().map(codec::encode).toList());
        int frameBytes = frame.remaining();
        write(frame);
        for (int index = 0; index < records.size(); index++) {
            place(records.get(index).control(), new Place(endBytes, index));
        }
        endBytes += frameBytes;
    }

    /**
     * A write that fails, as on a full disk, leaves nothing behind, and others may be tried later. After a failed flush
     * nobody knows what's on the disk.
     */
    private void write(ByteBuffer frame) throws IOException {
        try {
            DurableFiles.writeFully(channel, frame, endBytes);
        } catch (IOException e) {
            failure = Optional.of(String.valueOf(e.getMessage()));
            cutOff();
            failure = Optional.empty();
            throw e;
        }
        try {
            channel.force(false);
        } catch (IOException e) {
            failure = Optional.of(String.valueOf(e.getMessage()));
            cutOff();
            throw e;
        }
    }

    /**
     * Replaces what it holds by {@code records}, of which the last is a checkpoint; those before may be older ones that
     * are wanted still. After a failure nothing more is written, as after that of an append.
     */
    public void compact(List<LogRecord> records) throws IOException {
        checkUsable();
        ByteBuffer frame = Frame.encode(records.stream().map(codec::encode).toList());
        int frameBytes = frame.remaining();
        FileChannel before = channel;
        try {
            DurableFiles.replace(file, c -> {
                DurableFiles.writeFully(c, JournalHeader.encode(id), 0);
                DurableFiles.writeFully(c, frame, JournalHeader.BYTES);
            });
            channel = channel(file);
        } catch (IOException e) {
            // The name may lead to either file now: an append to the wrong one would be lost.
            failure = Optional.of(String.valueOf(e.getMessage()));
            throw e;
        }
        places.clear();
        firstControl = null;
        for (int index = 0; index < records.size(); index++) {
            place(records.get(index).control(), new Place(JournalHeader.BYTES, index));
        }
        endBytes = JournalHeader.BYTES + (long) frameBytes;
        before.close();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    private void checkUsable() throws IOException {
        if (failure.isPresent()) {
            throw new IOException("journal '" + file + "' failed before (" + failure.get()
                    + "): restart the agent once the disk is well");
        }
    }

    private void place(long control, Place place) {
        if (firstControl == null || !places.containsKey(control - 1)) {
            firstControl = control;
        }
        places.put(control, place);
    }

    private static FileChannel channel(Path file) throws IOException {
        return FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
    }

    private void index() throws IOException {
        while (endBytes < channel.size()) {
            Optional<List<byte[]>> records = frame(endBytes);
            if (records.isEmpty()) {
                checkTorn();
                return;
            }
            int frameBytes = Frame.HEADER_BYTES;
            for (int index = 0; index < records.get().size(); index++) {
                byte[] record = records.get().get(index);
                place(codec.decode(record).control(), new Place(endBytes, index));
                frameBytes += Integer.BYTES + record.length;
            }
            endBytes += frameBytes;
        }
    }

    /** The records of the frame at {@code positionBytes}, or empty when it's not whole. */
    private Optional<List<byte[]>> frame(long positionBytes) throws IOException {
        ByteBuffer header = ByteBuffer.allocate(Frame.HEADER_BYTES);
        DurableFiles.readFully(channel, header, positionBytes);
        int payloadBytes = header.getInt(0);
        boolean fits = !header.hasRemaining()
                && payloadBytes > 0
                && payloadBytes <= Frame.PAYLOAD_BYTES_MAX
                && positionBytes + Frame.HEADER_BYTES + payloadBytes <= channel.size();
        if (!fits) {
            return Optional.empty();
        }
        ByteBuffer payload = ByteBuffer.allocate(payloadBytes);
        DurableFiles.readFully(channel, payload, positionBytes + Frame.HEADER_BYTES);
        return Frame.decode(payload.flip(), header.getInt(Integer.BYTES));
    }

    /**
     * A torn frame is the last one. Any of its sectors may be missing, the first too, so that its length tells nothing;
     * but no whole frame follows it, since each was durable before the next was begun.
     */
    private void checkTorn() throws IOException {
        for (long at = endBytes + 1; at + Frame.HEADER_BYTES < channel.size(); at++) {
            if (frame(at).isPresent()) {
                throw corrupt(endBytes);
            }
        }
    }

    private void cutOff() throws IOException {
        channel.truncate(endBytes);
        channel.force(true);
    }

    private CorruptJournalException corrupt(long positionBytes) {
        return new CorruptJournalException("journal '" + file + "' is damaged at offset " + positionBytes
                + ", before its last record: move it away, and take a full backup of the drive");
    }
}
