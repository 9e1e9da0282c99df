package io.varve.formats.nbd;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * A run of bytes with the same status in a meta context (proto.md, "NBD_REPLY_TYPE_BLOCK_STATUS").
 *
 * @param lengthBytes 1 to 2^32 - 1
 * @param flags for {@code base:allocation} the bits {@link #HOLE} and {@link #ZERO}, for {@code qemu:dirty-bitmap:} the
 *     bit {@link #DIRTY}
 */
public record StatusExtent(long lengthBytes, int flags) {
    /** The context that tells which parts are allocated. */
    public static final String BASE_ALLOCATION = "base:allocation";

    /** The prefix of the contexts that tell what a dirty bitmap holds (QEMU's docs/interop/nbd.txt). */
    public static final String DIRTY_BITMAP_PREFIX = "qemu:dirty-bitmap:";

    /** The context that tells how deep in the chain of images each part lies (QEMU's docs/interop/nbd.txt). */
    public static final String ALLOCATION_DEPTH = "qemu:allocation-depth";

    /** Not allocated ({@code base:allocation}). */
    public static final int HOLE = 1;

    /** Reads as zeroes ({@code base:allocation}). */
    public static final int ZERO = 2;

    /** Holds a dirty granule ({@code qemu:dirty-bitmap:}). */
    public static final int DIRTY = 1;

    static final int WIRE_BYTES = 8;
    static final int EXTENDED_WIRE_BYTES = 16;
    private static final long LENGTH_BYTES_MAX = 0xffffffffL;

    public StatusExtent {
        if (lengthBytes <= 0 || lengthBytes > LENGTH_BYTES_MAX) {
            throw new IllegalArgumentException("status extent of " + lengthBytes + " bytes, expected 1 to 2^32 - 1");
        }
    }

    /** Reads the rest of a block status chunk's payload, behind the context id. */
    public static Decoding<List<StatusExtent>> decodeAll(ByteBuffer in) {
        if (!in.hasRemaining() || in.remaining() % WIRE_BYTES != 0) {
            return new Decoding.Malformed<>("block status of " + in.remaining() + " bytes, expected a multiple of 8");
        }
        List<StatusExtent> extents = new ArrayList<>(in.remaining() / WIRE_BYTES);
        while (in.hasRemaining()) {
            long lengthBytes = Integer.toUnsignedLong(in.getInt());
            int flags = in.getInt();
            if (lengthBytes == 0) {
                return new Decoding.Malformed<>("block status extent of 0 bytes");
            }
            extents.add(new StatusExtent(lengthBytes, flags));
        }
        return new Decoding.Decoded<>(extents);
    }
}
