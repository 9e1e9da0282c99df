package io.varve.formats.nbd;

import java.nio.ByteBuffer;

/**
 * The header of a request in the transmission phase (proto.md, "Request message"), big-endian:
 *
 * <pre>
 *  0        4       6       8              16              24       28
 *  | magic  | flags | type  | cookie       | offset        | length |  WRITE: length bytes follow
 * </pre>
 *
 * @param flags the command flags, a set of the {@code FLAG_} bits
 * @param cookie chosen by the client and echoed
 * @param offsetBytes unsigned on the wire; a negative one is out of any export's bounds
 * @param lengthBytes 0 to 2^32 - 1
 */
public record NbdRequest(int flags, NbdCommand command, long cookie, long offsetBytes, long lengthBytes) {
    public static final int HEADER_BYTES = 28;

    /** The reply waits until the data is on stable storage. */
    public static final int FLAG_FUA = 1;

    /** WRITE_ZEROES must leave the range allocated. */
    public static final int FLAG_NO_HOLE = 1 << 1;

    /** READ wants one chunk. */
    public static final int FLAG_DF = 1 << 2;

    /** BLOCK_STATUS wants one extent a context. */
    public static final int FLAG_REQ_ONE = 1 << 3;

    /** WRITE_ZEROES must fail with ENOTSUP rather than write zeroes slowly. */
    public static final int FLAG_FAST_ZERO = 1 << 4;

    private static final int UNSIGNED_SHORT = 0xffff;

    public boolean has(int flag) {
        return (flags & flag) != 0;
    }

    /** Whether the range lies within an export of {@code sizeBytes}. */
    public boolean isWithin(long sizeBytes) {
        return offsetBytes >= 0 && lengthBytes <= sizeBytes && offsetBytes <= sizeBytes - lengthBytes;
    }

    /** The request without its first {@code doneBytes}. */
    public NbdRequest from(long doneBytes) {
        return new NbdRequest(flags, command, cookie, offsetBytes + doneBytes, lengthBytes - doneBytes);
    }

    /** Writes the header at {@code out}'s position. */
    public void encode(ByteBuffer out) {
        out.putInt(NbdMagic.REQUEST).putShort((short) flags).putShort((short) command.code());
        out.putLong(cookie).putLong(offsetBytes).putInt((int) lengthBytes);
    }

    /** Reads a header at {@code in}'s position. */
    public static Decoding<NbdRequest> decode(ByteBuffer in) {
        if (in.remaining() < HEADER_BYTES) {
            return new Decoding.NeedMore<>(HEADER_BYTES - in.remaining());
        }
        int start = in.position();
        int magic = in.getInt(start);
        if (magic != NbdMagic.REQUEST) {
            return new Decoding.Malformed<>(String.format(
                    "request magic is 0x%08x, expected 0x%08x, where a request should begin", magic, NbdMagic.REQUEST));
        }
        NbdRequest request = new NbdRequest(
                in.getShort(start + 4) & UNSIGNED_SHORT,
                NbdCommand.of(in.getShort(start + 6) & UNSIGNED_SHORT),
                in.getLong(start + 8),
                in.getLong(start + 16),
                Integer.toUnsignedLong(in.getInt(start + 24)));
        in.position(start + HEADER_BYTES);
        return new Decoding.Decoded<>(request);
    }
}
