package io.varve.formats.nbd;

import io.varve.formats.nbd.NbdReply.ChunkType;
import io.varve.formats.nbd.NbdReply.Place;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * Writes replies of the transmission phase in a session's style, at a buffer's position; the caller has seen to the
 * room. An extended chunk's head is longer than a structured one's (see {@link NbdReply}):
 *
 * <pre>
 *  0        4       6       8        16                    24       32
 *  | magic  | flags | type  | cookie | request's offset    | length |   length bytes of payload follow
 * </pre>
 *
 * <p>Thread: safe for any.
 */
public final class ReplyEncoder {
    /** Room that any reply without data and without extents fits in. */
    public static final int ERROR_BYTES_MAX = 1024;

    /** Room that the head of data takes at most. */
    public static final int DATA_HEAD_BYTES_MAX = 32 + 8;

    private static final int EXTENDED_HEADER_BYTES = 32;
    private static final int MESSAGE_BYTES_MAX = 512;
    private static final int OFFSET_BYTES = 8;

    private final ReplyStyle style;

    public ReplyEncoder(ReplyStyle style) {
        this.style = style;
    }

    public ReplyStyle style() {
        return style;
    }

    /** The end of a request that went well, without data; with {@link ReplyStyle#SIMPLE} a READ's data may follow. */
    public void done(ByteBuffer out, long cookie, long requestOffsetBytes) {
        if (style == ReplyStyle.SIMPLE) {
            out.putInt(NbdMagic.SIMPLE_REPLY).putInt(0).putLong(cookie);
        } else {
            chunk(out, ChunkType.NONE, Place.LAST, cookie);
            rest(out, requestOffsetBytes, 0);
        }
    }

    /** The end of a request that failed; with a sentence for a human, cut to 512 bytes, when the style has one. */
    public void failed(ByteBuffer out, long cookie, long requestOffsetBytes, NbdError error, String message) {
        if (style == ReplyStyle.SIMPLE) {
            out.putInt(NbdMagic.SIMPLE_REPLY).putInt(error.code()).putLong(cookie);
            return;
        }
        byte[] text = text(message);
        chunk(out, ChunkType.ERROR, Place.LAST, cookie);
        rest(out, requestOffsetBytes, 4 + 2 + text.length);
        out.putInt(error.code()).putShort((short) text.length).put(text);
    }

    /** As {@link #failed}, and says where in the drive; not with {@link ReplyStyle#SIMPLE}. */
    public void failedAt(ByteBuffer out, NbdRequest request, long offsetBytes, NbdError error, String message) {
        byte[] text = text(message);
        chunk(out, ChunkType.ERROR_OFFSET, Place.LAST, request.cookie());
        rest(out, request.offsetBytes(), 4 + 2 + text.length + OFFSET_BYTES);
        out.putInt(error.code()).putShort((short) text.length).put(text).putLong(offsetBytes);
    }

    /** The head of a chunk with {@code lengthBytes} of data, which the caller sends behind it. */
    public void data(ByteBuffer out, Place place, NbdRequest request, long offsetBytes, int lengthBytes) {
        chunk(out, ChunkType.OFFSET_DATA, place, request.cookie());
        rest(out, request.offsetBytes(), OFFSET_BYTES + lengthBytes);
        out.putLong(offsetBytes);
    }

    /** A chunk that says that {@code lengthBytes} are zero. */
    public void hole(ByteBuffer out, Place place, NbdRequest request, long offsetBytes, int lengthBytes) {
        chunk(out, ChunkType.OFFSET_HOLE, place, request.cookie());
        rest(out, request.offsetBytes(), OFFSET_BYTES + 4);
        out.putLong(offsetBytes).putInt(lengthBytes);
    }

    /** The bytes that {@link #blockStatus} takes for {@code extentCount} extents, at most. */
    public static int blockStatusBytes(int extentCount) {
        return EXTENDED_HEADER_BYTES + 8 + StatusExtent.EXTENDED_WIRE_BYTES * extentCount;
    }

    /** The extents of one meta context. */
    public void blockStatus(
            ByteBuffer out, Place place, NbdRequest request, int contextId, List<StatusExtent> extents) {
        if (style == ReplyStyle.EXTENDED) {
            chunk(out, ChunkType.BLOCK_STATUS_EXT, place, request.cookie());
            rest(out, request.offsetBytes(), 8 + StatusExtent.EXTENDED_WIRE_BYTES * extents.size());
            out.putInt(contextId).putInt(extents.size());
            for (StatusExtent extent : extents) {
                out.putLong(extent.lengthBytes()).putLong(Integer.toUnsignedLong(extent.flags()));
            }
            return;
        }
        chunk(out, ChunkType.BLOCK_STATUS, place, request.cookie());
        rest(out, request.offsetBytes(), 4 + StatusExtent.WIRE_BYTES * extents.size());
        out.putInt(contextId);
        for (StatusExtent extent : extents) {
            out.putInt((int) extent.lengthBytes()).putInt(extent.flags());
        }
    }

    private void chunk(ByteBuffer out, ChunkType type, Place place, long cookie) {
        out.putInt(style == ReplyStyle.EXTENDED ? NbdMagic.EXTENDED_REPLY : NbdMagic.STRUCTURED_REPLY);
        out.putShort((short) (place == Place.LAST ? 1 : 0))
                .putShort((short) type.code())
                .putLong(cookie);
    }

    private void rest(ByteBuffer out, long requestOffsetBytes, int lengthBytes) {
        if (style == ReplyStyle.EXTENDED) {
            out.putLong(requestOffsetBytes).putLong(lengthBytes);
        } else {
            out.putInt(lengthBytes);
        }
    }

    private static byte[] text(String message) {
        byte[] text = message.getBytes(StandardCharsets.UTF_8);
        return text.length <= MESSAGE_BYTES_MAX ? text : Arrays.copyOf(text, MESSAGE_BYTES_MAX);
    }
}
