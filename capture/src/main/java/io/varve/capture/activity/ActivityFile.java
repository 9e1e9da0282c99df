package io.varve.capture.activity;

import io.varve.capture.journal.DurableFiles;
import io.varve.core.activity.ActivityTable;
import io.varve.core.activity.RegionSpan;
import io.varve.core.id.IncarnationId;
import io.varve.core.id.JournalId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * The file of an activity log, of fixed size. Numbers are big-endian.
 *
 * <pre>
 *      0   "VRVACT" 0x00 0x01      8   journal id        24   incarnation      40   the one before it, or zeroes
 *     56   the most spans of a record (4 bytes)          60   CRC-32C of the 60 bytes before
 *   4096   a record, then another of the same size, each in whole pages: {@link ActivityRecord}
 * </pre>
 *
 * <p>Each record goes in the place of the older one of both. A write that a power cut tears leaves the newer one, which
 * is the state before: and nobody was let go on by the torn one.
 *
 * <p>Thread: one at a time.
 */
public final class ActivityFile implements AutoCloseable {
    public static final String NAME = "activity";

    private static final int PAGE_BYTES = 4096;
    private static final int HEADER_BYTES = 64;
    private static final int CHECKSUM_OFFSET = 60;
    private static final long MAGIC_VERSION_1 = 0x5652_5641_4354_0001L;
    private static final int SPANS_MAX = 1 << 22;

    private final Path file;
    private final FileChannel channel;
    private final int recordBytes;
    private long sequence;
    private long marksGeneration;

    /**
     * Whose log it is.
     *
     * @param before the incarnation whose marks this one took over before it made the log
     */
    public record Owner(JournalId journal, IncarnationId incarnation, Optional<IncarnationId> before) {}

    /** What a file holds. */
    public sealed interface Content {
        /** The newest whole record. */
        record Whole(Owner owner, ActivityRecord record) implements Content {}

        /** There's no file: the log was switched off. */
        record Absent() implements Content {}

        /** It can't be believed, and why. */
        record Damaged(String reason) implements Content {}
    }

    private ActivityFile(Path file, FileChannel channel, int recordBytes, long marksGeneration) {
        this.file = file;
        this.channel = channel;
        this.recordBytes = recordBytes;
        this.marksGeneration = marksGeneration;
        this.sequence = 1;
    }

    /**
     * A log without a hot region, in the place of any that is there, durable when it returns.
     *
     * @param first its first record, which has no span
     */
    public static ActivityFile create(Path directory, Owner owner, int hotMax, ActivityRecord first)
            throws IOException {
        Path file = directory.resolve(NAME);
        int spansMax = ActivityTable.capacity(hotMax);
        int recordBytes = recordBytes(spansMax);
        DurableFiles.replace(file, channel -> {
            DurableFiles.writeFully(channel, ByteBuffer.allocate(PAGE_BYTES + 2 * recordBytes), 0);
            DurableFiles.writeFully(channel, header(owner, spansMax), 0);
            DurableFiles.writeFully(channel, first.encode(), PAGE_BYTES + recordBytes);
        });
        FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
        return new ActivityFile(file, channel, recordBytes, first.marksGeneration());
    }

    /** What the file in {@code directory} holds. */
    public static Content read(Path directory) throws IOException {
        Path file = directory.resolve(NAME);
        if (!Files.exists(file)) {
            return new Content.Absent();
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES);
            DurableFiles.readFully(channel, header, 0);
            header.flip();
            if (header.remaining() < HEADER_BYTES || header.getLong(0) != MAGIC_VERSION_1) {
                return new Content.Damaged("'" + file + "' isn't an activity log of this version");
            }
            int spansMax = header.getInt(56);
            if (header.getInt(CHECKSUM_OFFSET) != checksum(header) || spansMax <= 0 || spansMax > SPANS_MAX) {
                return new Content.Damaged("the header of the activity log '" + file + "' is damaged");
            }
            return newest(file, channel, owner(header), recordBytes(spansMax));
        }
    }

    private static Content newest(Path file, FileChannel channel, Owner owner, int recordBytes) throws IOException {
        Optional<ActivityRecord> even = record(channel, PAGE_BYTES, recordBytes);
        Optional<ActivityRecord> odd = record(channel, PAGE_BYTES + recordBytes, recordBytes);
        if (even.isEmpty() && odd.isEmpty()) {
            return new Content.Damaged("the activity log '" + file + "' holds no whole record");
        }
        boolean isEven = even.isPresent()
                && (odd.isEmpty() || even.get().sequence() > odd.get().sequence());
        return new Content.Whole(owner, isEven ? even.get() : odd.orElseThrow());
    }

    private static Optional<ActivityRecord> record(FileChannel channel, long positionBytes, int recordBytes)
            throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(recordBytes);
        DurableFiles.readFully(channel, bytes, positionBytes);
        return ActivityRecord.decode(bytes.flip());
    }

    /** Removes the log of {@code directory}, if there is one, durably: nobody is to believe it any more. */
    public static void remove(Path directory) throws IOException {
        Files.deleteIfExists(directory.resolve(NAME));
        DurableFiles.force(directory);
    }

    /** The marks of this generation, while it's open, are durable in their file. */
    void keptMarks(long generation) {
        marksGeneration = Math.max(marksGeneration, generation);
    }

    /** Writes the next record; it's durable when this returns. After a failure the file isn't to be used. */
    void write(List<RegionSpan> spans, long leaseMillis) throws IOException {
        ByteBuffer record = new ActivityRecord(sequence + 1, marksGeneration, leaseMillis, spans).encode();
        long positionBytes = PAGE_BYTES + (sequence + 1) % 2 * recordBytes;
        DurableFiles.writeFully(channel, record, positionBytes);
        channel.force(false);
        sequence++;
    }

    /** Takes the file away, durably. */
    void remove() throws IOException {
        remove(Objects.requireNonNull(file.toAbsolutePath().getParent()));
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    private static int recordBytes(int spansMax) {
        return (ActivityRecord.byteSize(spansMax) + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    }

    private static ByteBuffer header(Owner owner, int spansMax) {
        ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES).putLong(MAGIC_VERSION_1);
        put(header, owner.journal().value());
        put(header, owner.incarnation().value());
        put(header, owner.before().map(IncarnationId::value).orElse(new UUID(0, 0)));
        header.putInt(spansMax);
        return header.putInt(checksum(header)).flip();
    }

    private static Owner owner(ByteBuffer header) {
        UUID before = uuid(header, 40);
        return new Owner(
                new JournalId(uuid(header, 8)),
                new IncarnationId(uuid(header, 24)),
                before.equals(new UUID(0, 0)) ? Optional.empty() : Optional.of(new IncarnationId(before)));
    }

    private static void put(ByteBuffer bytes, UUID value) {
        bytes.putLong(value.getMostSignificantBits()).putLong(value.getLeastSignificantBits());
    }

    private static UUID uuid(ByteBuffer bytes, int offset) {
        return new UUID(bytes.getLong(offset), bytes.getLong(offset + Long.BYTES));
    }

    private static int checksum(ByteBuffer header) {
        CRC32C crc = new CRC32C();
        crc.update(header.slice(0, CHECKSUM_OFFSET));
        return (int) crc.getValue();
    }
}
