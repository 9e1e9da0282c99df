package io.varve.formats.nbd;

import io.varve.formats.nbd.NbdReply.ChunkType;
import io.varve.formats.nbd.NbdReply.Place;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** Writes replies of the transmission phase at a buffer's position; the caller has seen to the room. */
public final class ReplyEncoder {
    /** Room that any reply without data and without extents fits in. */
    public static final int ERROR_BYTES_MAX = 1024;

    private static final int MESSAGE_BYTES_MAX = 512;
    private static final int OFFSET_BYTES = 8;

    private ReplyEncoder() {}

    /** A success without data; or the head of a READ's data. */
    public static void simpleDone(ByteBuffer out, long cookie) {
        out.putInt(NbdMagic.SIMPLE_REPLY).putInt(0).putLong(cookie);
    }

    public static void simpleError(ByteBuffer out, long cookie, NbdError error) {
        out.putInt(NbdMagic.SIMPLE_REPLY).putInt(error.code()).putLong(cookie);
    }

    /** The last chunk, without content. */
    public static void done(ByteBuffer out, long cookie) {
        chunk(out, ChunkType.NONE, Place.LAST, cookie, 0);
    }

    /** The last chunk: an error with a sentence for a human, cut to 512 bytes. */
    public static void error(ByteBuffer out, long cookie, NbdError error, String message) {
        byte[] text = message.getBytes(StandardCharsets.UTF_8);
        byte[] cut = text.length <= MESSAGE_BYTES_MAX ? text : Arrays.copyOf(text, MESSAGE_BYTES_MAX);
        chunk(out, ChunkType.ERROR, Place.LAST, cookie, 4 + 2 + cut.length);
        out.putInt(error.code()).putShort((short) cut.length).put(cut);
    }

    /** The head of a chunk with {@code lengthBytes} of data, which the caller sends behind it. */
    public static void offsetData(ByteBuffer out, Place place, long cookie, long offsetBytes, int lengthBytes) {
        chunk(out, ChunkType.OFFSET_DATA, place, cookie, OFFSET_BYTES + lengthBytes);
        out.putLong(offsetBytes);
    }

    /** A chunk that says that {@code lengthBytes} are zero. */
    public static void offsetHole(ByteBuffer out, Place place, long cookie, long offsetBytes, int lengthBytes) {
        chunk(out, ChunkType.OFFSET_HOLE, place, cookie, OFFSET_BYTES + 4);
        out.putLong(offsetBytes).putInt(lengthBytes);
    }

    /** The bytes that {@link #blockStatus} takes for {@code extentCount} extents. */
    public static int blockStatusBytes(int extentCount) {
        return NbdReply.CHUNK_HEADER_BYTES + 4 + StatusExtent.WIRE_BYTES * extentCount;
    }

    /** The extents of one meta context. */
    public static void blockStatus(
            ByteBuffer out, Place place, long cookie, int contextId, List<StatusExtent> extents) {
        chunk(out, ChunkType.BLOCK_STATUS, place, cookie, 4 + StatusExtent.WIRE_BYTES * extents.size());
        out.putInt(contextId);
        for (StatusExtent extent : extents) {
            out.putInt((int) extent.lengthBytes()).putInt(extent.flags());
        }
    }

    private static void chunk(ByteBuffer out, ChunkType type, Place place, long cookie, int lengthBytes) {
        out.putInt(NbdMagic.STRUCTURED_REPLY).putShort((short) (place == Place.LAST ? 1 : 0));
        out.putShort((short) type.code()).putLong(cookie).putInt(lengthBytes);
    }
}
