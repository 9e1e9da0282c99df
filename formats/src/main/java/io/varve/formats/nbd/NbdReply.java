package io.varve.formats.nbd;

import java.nio.ByteBuffer;

/**
 * The head of a reply in the transmission phase (proto.md, "Simple reply message", "Structured reply chunk message"):
 *
 * <pre>
 *  0        4                8        16
 *  | magic  | error          | cookie |                       READ without error: the data follows
 *  0        4       6        8        16       20
 *  | magic  | flags | type   | cookie | length |              length bytes of payload follow
 * </pre>
 */
public sealed interface NbdReply {
    int SIMPLE_HEADER_BYTES = 16;
    int CHUNK_HEADER_BYTES = 20;

    /** The cookie of the request that's answered. */
    long cookie();

    /** A simple reply; the error code is zero for success. */
    record Simple(int errorCode, long cookie) implements NbdReply {}

    /** A structured chunk; the length of its payload is what the peer claims: check before trusting. */
    record Chunk(ChunkType type, Place place, long cookie, long lengthBytes) implements NbdReply {}

    /** Where a chunk stands in its reply. */
    enum Place {
        MORE_FOLLOW,
        LAST
    }

    /** What a chunk carries. */
    enum ChunkType {
        NONE(0),
        OFFSET_DATA(1),
        OFFSET_HOLE(2),
        BLOCK_STATUS(5),
        BLOCK_STATUS_EXT(6),
        ERROR(1 << 15 | 1),
        ERROR_OFFSET(1 << 15 | 2),
        /** An error of a type that isn't known here; its payload begins like {@link #ERROR}'s. */
        OTHER_ERROR(1 << 15),
        /** Not an error, and not known here. */
        OTHER(0x7fff);

        private final int code;

        ChunkType(int code) {
            this.code = code;
        }

        int code() {
            return code;
        }

        static ChunkType of(int code) {
            for (ChunkType type : values()) {
                if (type.code == code) {
                    return type;
                }
            }
            return (code & 1 << 15) != 0 ? OTHER_ERROR : OTHER;
        }
    }

    /** Reads a head at {@code in}'s position; its payload stays in {@code in}. */
    static Decoding<NbdReply> decode(ByteBuffer in) {
        if (in.remaining() < SIMPLE_HEADER_BYTES) {
            return new Decoding.NeedMore<>(SIMPLE_HEADER_BYTES - in.remaining());
        }
        int start = in.position();
        int magic = in.getInt(start);
        if (magic == NbdMagic.SIMPLE_REPLY) {
            in.position(start + SIMPLE_HEADER_BYTES);
            return new Decoding.Decoded<>(new Simple(in.getInt(start + 4), in.getLong(start + 8)));
        }
        if (magic != NbdMagic.STRUCTURED_REPLY) {
            return new Decoding.Malformed<>(String.format(
                    "reply magic is 0x%08x, expected 0x%08x or 0x%08x",
                    magic, NbdMagic.SIMPLE_REPLY, NbdMagic.STRUCTURED_REPLY));
        }
        if (in.remaining() < CHUNK_HEADER_BYTES) {
            return new Decoding.NeedMore<>(CHUNK_HEADER_BYTES - in.remaining());
        }
        in.position(start + CHUNK_HEADER_BYTES);
        return new Decoding.Decoded<>(new Chunk(
                ChunkType.of(in.getShort(start + 6) & 0xffff),
                (in.getShort(start + 4) & 1) == 1 ? Place.LAST : Place.MORE_FOLLOW,
                in.getLong(start + 8),
                Integer.toUnsignedLong(in.getInt(start + 16))));
    }
}
