package io.varve.streams.fold;

import io.varve.core.drive.Generation;
import io.varve.core.id.DriveId;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.utils.Bytes;

/**
 * Keys of the store {@code generations}, in whose order a generation's pages follow each other.
 *
 * <pre>
 *   drive, UTF-8   0x00   generation       granularity's shift   page
 *                         8 bytes,         1 byte                4 bytes,
 *                         big-endian                             big-endian
 * </pre>
 *
 * <p>The shift is in the key since coalescing may change a generation's granularity: a page of the old one is never
 * read as one of the new.
 */
final class PageKey {
    private static final int PAGE_BYTES = Integer.BYTES;
    private static final int TAIL_BYTES = Long.BYTES + 1 + PAGE_BYTES;

    private PageKey() {}

    static Bytes of(DriveId drive, Generation generation, int page) {
        return of(drive, generation.number(), generation.granularity().shift(), page);
    }

    /** Below every page of {@code generation}, whatever its granularity. */
    static Bytes first(DriveId drive, long generation) {
        return of(drive, generation, 0, 0);
    }

    /** Above every page of {@code generation}, whatever its granularity. */
    static Bytes last(DriveId drive, long generation) {
        return of(drive, generation, Byte.MAX_VALUE, -1);
    }

    /** The page's number in {@code key}. */
    static int page(Bytes key) {
        byte[] bytes = key.get();
        return ByteBuffer.wrap(bytes, bytes.length - PAGE_BYTES, PAGE_BYTES).getInt();
    }

    private static Bytes of(DriveId drive, long generation, int shift, int page) {
        byte[] name = drive.value().getBytes(StandardCharsets.UTF_8);
        return Bytes.wrap(ByteBuffer.allocate(name.length + 1 + TAIL_BYTES)
                .put(name)
                .put((byte) 0)
                .putLong(generation)
                .put((byte) shift)
                .putInt(page)
                .array());
    }
}
