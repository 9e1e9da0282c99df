package io.varve.formats.qcow2;

import io.varve.formats.qcow2.Malformed.Truncated;
import io.varve.formats.qcow2.Malformed.Unsupported;
import io.varve.formats.qcow2.Malformed.WrongField;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** An image's bitmap directory: read strictly, as QEMU 7.2 does, and written. */
public record BitmapDirectory(List<BitmapEntry> entries) {
    private static final int BYTE_MASK = 0xff;
    private static final int SHORT_MASK = 0xffff;

    public BitmapDirectory {
        entries = List.copyOf(entries);
    }

    /**
     * Reads a directory; what isn't understood is refused.
     *
     * @param bytes as many as {@link DriveHeader#bitmapDirectoryBytes}
     */
    public static Decoding<BitmapDirectory> decode(ByteBuffer bytes, DriveHeader header, long fileBytes) {
        ByteBuffer in = bytes.slice().order(ByteOrder.BIG_ENDIAN);
        List<BitmapEntry> entries = new ArrayList<>();
        Set<String> names = new HashSet<>();
        while (in.hasRemaining()) {
            Optional<Malformed> objection = objection(in, header, fileBytes);
            if (objection.isPresent()) {
                return new Decoding.Refused<>(objection.get());
            }
            int nameBytes = in.getShort(in.position() + BitmapEntry.NAME_BYTES_OFFSET) & SHORT_MASK;
            Optional<String> name = name(in.slice(in.position() + BitmapEntry.HEAD_BYTES, nameBytes));
            if (name.isEmpty() || !names.add(name.get())) {
                return new Decoding.Refused<>(new WrongField(
                        "a bitmap whose name isn't UTF-8 or isn't its own, number",
                        entries.size(),
                        "names of their own"));
            }
            entries.add(entry(in, name.get()));
            in.position(in.position() + BitmapEntry.lengthBytes(nameBytes));
        }
        if (entries.size() != header.bitmapCount()) {
            return new Decoding.Refused<>(new WrongField(
                    "a directory of bitmaps with entries,", entries.size(), header.bitmapCount() + " by its header"));
        }
        return new Decoding.Decoded<>(new BitmapDirectory(entries));
    }

    private static BitmapEntry entry(ByteBuffer in, String name) {
        int begin = in.position();
        int flags = in.getInt(begin + BitmapEntry.FLAGS_OFFSET);
        return new BitmapEntry(
                name,
                in.get(begin + BitmapEntry.GRANULARITY_OFFSET),
                (flags & BitmapEntry.IN_USE) != 0,
                (flags & BitmapEntry.AUTO) != 0,
                in.getLong(begin),
                in.getInt(begin + BitmapEntry.TABLE_ENTRIES_OFFSET));
    }

    private static Optional<String> name(ByteBuffer bytes) {
        try {
            return Optional.of(StandardCharsets.UTF_8.newDecoder().decode(bytes).toString());
        } catch (CharacterCodingException e) {
            return Optional.empty();
        }
    }

    /** What's wrong with the entry at the buffer's position. */
    private static Optional<Malformed> objection(ByteBuffer in, DriveHeader header, long fileBytes) {
        int begin = in.position();
        if (in.remaining() < BitmapEntry.HEAD_BYTES) {
            return Optional.of(new Truncated("a bitmap's entry", BitmapEntry.HEAD_BYTES, in.remaining()));
        }
        int type = in.get(begin + BitmapEntry.TYPE_OFFSET) & BYTE_MASK;
        int flags = in.getInt(begin + BitmapEntry.FLAGS_OFFSET);
        if (type != BitmapEntry.TYPE || (flags & ~(BitmapEntry.IN_USE | BitmapEntry.AUTO)) != 0) {
            return Optional.of(new Unsupported("a bitmap of type " + type + " with flags 0x"
                    + Integer.toHexString(flags) + "; expected type 1 and flags 0 to 3"));
        }
        int extraBytes = in.getInt(begin + BitmapEntry.EXTRA_BYTES_OFFSET);
        if (extraBytes != 0) {
            return Optional.of(
                    new Unsupported("a bitmap with " + Integer.toUnsignedString(extraBytes) + " bytes of extra data"));
        }
        int nameBytes = in.getShort(begin + BitmapEntry.NAME_BYTES_OFFSET) & SHORT_MASK;
        if (nameBytes < 1 || nameBytes > BitmapLimits.NAME_BYTES_MAX) {
            return wrong("a bitmap's name length", nameBytes, "1 to " + BitmapLimits.NAME_BYTES_MAX);
        }
        if (in.remaining() < BitmapEntry.lengthBytes(nameBytes)) {
            return Optional.of(new Truncated("a bitmap's entry", BitmapEntry.lengthBytes(nameBytes), in.remaining()));
        }
        int granularityBits = in.get(begin + BitmapEntry.GRANULARITY_OFFSET) & BYTE_MASK;
        if (granularityBits < BitmapLimits.GRANULARITY_BITS_MIN
                || granularityBits > BitmapLimits.GRANULARITY_BITS_MAX) {
            return wrong("a bitmap's granularity bits", granularityBits, "9 to 31");
        }
        return tableObjection(in, header, fileBytes);
    }

    private static Optional<Malformed> tableObjection(ByteBuffer in, DriveHeader header, long fileBytes) {
        int begin = in.position();
        int entries = in.getInt(begin + BitmapEntry.TABLE_ENTRIES_OFFSET);
        int entriesMax = BitmapLimits.BITMAP_BYTES_MAX >>> header.clusterSize().shift();
        if (entries < 1 || entries > entriesMax) {
            return wrong("a bitmap's table entries", entries, "1 to " + entriesMax);
        }
        boolean isInUse = (in.getInt(begin + BitmapEntry.FLAGS_OFFSET) & BitmapEntry.IN_USE) != 0;
        long needed = tableEntries(header, in.get(begin + BitmapEntry.GRANULARITY_OFFSET));
        if (!isInUse && entries != needed) {
            return wrong("a bitmap's table entries", entries, needed + " for its granularity");
        }
        long offsetBytes = in.getLong(begin);
        if (offsetBytes < header.clusterSize().bytes() || !header.clusterSize().isAligned(offsetBytes)) {
            return wrong("a bitmap's table offset", offsetBytes, "a multiple of the cluster size, behind the header");
        }
        return (long) entries * Long.BYTES > fileBytes - offsetBytes
                ? Optional.of(new Truncated(
                        "a bitmap's table at " + offsetBytes,
                        (long) entries * Long.BYTES,
                        Math.max(0, fileBytes - offsetBytes)))
                : Optional.empty();
    }

    private static Optional<Malformed> wrong(String field, long actual, String expected) {
        return Optional.of(new WrongField(field, actual, expected));
    }

    /** Entries in the table of a bitmap of such granularity: one a cluster of bits. */
    public static int tableEntries(DriveHeader header, int granularityBits) {
        return (int) header.clusterSize().clusters(BitmapLimits.bitmapBytes(header, granularityBits));
    }

    public ByteBuffer encode() {
        ByteBuffer bytes = ByteBuffer.allocate(
                entries.stream().mapToInt(BitmapEntry::lengthBytes).sum());
        for (BitmapEntry entry : entries) {
            entry.put(bytes);
        }
        return bytes.flip();
    }

    /** How to make the flags of a directory at {@code offsetBytes} so; each write is one number in one sector. */
    public List<HeaderWrite> flags(long offsetBytes) {
        List<HeaderWrite> writes = new ArrayList<>();
        long position = offsetBytes;
        for (BitmapEntry entry : entries) {
            writes.add(new HeaderWrite(
                    position + BitmapEntry.FLAGS_OFFSET,
                    ByteBuffer.allocate(Integer.BYTES).putInt(entry.flags()).flip()));
            position += entry.lengthBytes();
        }
        return writes;
    }
}
