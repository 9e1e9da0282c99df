package io.varve.formats.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.Seeds;
import io.varve.formats.nbd.NbdReply.ChunkType;
import io.varve.formats.nbd.NbdReply.Place;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Requests and replies: bytes as the protocol's text has them, round trips, and what isn't one. */
class TransmissionCodecTest {

    @Test
    void shouldWriteARequestAsTheProtocolSays() {
        ByteBuffer out = ByteBuffer.allocate(NbdRequest.HEADER_BYTES);

        new NbdRequest(NbdRequest.FLAG_FUA, NbdCommand.WRITE, 0x0102030405060708L, 0x1000, 0x200).encode(out);

        assertEquals(
                "25609513" + "0001" + "0001" + "0102030405060708" + "0000000000001000" + "00000200",
                HexFormat.of().formatHex(out.array()));
    }

    @Test
    void shouldReadTheRequestsThatItWrites() {
        Seeds.forEach(200, random -> {
            NbdCommand command = List.of(NbdCommand.values()).get(random.nextInt(NbdCommand.values().length));
            NbdRequest request = new NbdRequest(
                    random.nextInt(1 << 16), command, random.nextLong(), random.nextLong(), random.nextLong(1L << 32));
            ByteBuffer bytes = ByteBuffer.allocate(NbdRequest.HEADER_BYTES + 7);
            request.encode(bytes);
            bytes.flip();

            for (int cut = 0; cut < NbdRequest.HEADER_BYTES; cut++) {
                ByteBuffer part = bytes.duplicate().limit(cut);
                assertEquals(
                        new Decoding.NeedMore<NbdRequest>(NbdRequest.HEADER_BYTES - cut),
                        NbdRequest.decode(part, ReplyStyle.STRUCTURED));
                assertEquals(0, part.position());
            }
            assertEquals(new Decoding.Decoded<>(request), NbdRequest.decode(bytes, ReplyStyle.SIMPLE));
            assertEquals(NbdRequest.HEADER_BYTES, bytes.position());
        });
    }

    @Test
    void shouldKnowWhatLiesWithinAnExport() {
        assertTrue(read(0, 4096).isWithin(4096));
        assertTrue(read(4096, 0).isWithin(4096));
        assertTrue(!read(1, 4096).isWithin(4096));
        assertTrue(!read(-1, 1).isWithin(4096));
        assertTrue(!read(Long.MAX_VALUE, 0xffffffffL).isWithin(Long.MAX_VALUE));
        assertTrue(!read(Long.MIN_VALUE, 0).isWithin(4096));
    }

    @Test
    void shouldReadTheRepliesThatItWrites() {
        ByteBuffer out = ByteBuffer.allocate(4096);
        ReplyEncoder simple = new ReplyEncoder(ReplyStyle.SIMPLE);
        ReplyEncoder chunks = new ReplyEncoder(ReplyStyle.STRUCTURED);
        simple.done(out, 1, 0);
        simple.failed(out, 2, 0, NbdError.ENOSPC, "unsaid");
        chunks.done(out, 3, 0);
        chunks.hole(out, Place.MORE_FOLLOW, read(4), 1L << 40, 65536);
        chunks.data(out, Place.LAST, read(5), 512, 2);
        out.putShort((short) 0);
        chunks.failed(out, 6, 0, NbdError.EIO, "the disk is gone");
        List<StatusExtent> extents = List.of(new StatusExtent(0xffffffffL, 3), new StatusExtent(1, 0));
        chunks.blockStatus(out, Place.LAST, read(7), 9, extents);
        out.flip();

        assertEquals(new NbdReply.Simple(0, 1), next(out));
        assertEquals(new NbdReply.Simple(28, 2), next(out));
        assertEquals(new NbdReply.Chunk(ChunkType.NONE, Place.LAST, 3, 0), next(out));
        assertEquals(new NbdReply.Chunk(ChunkType.OFFSET_HOLE, Place.MORE_FOLLOW, 4, 12), next(out));
        assertEquals(1L << 40, out.getLong());
        assertEquals(65536, out.getInt());
        assertEquals(new NbdReply.Chunk(ChunkType.OFFSET_DATA, Place.LAST, 5, 10), next(out));
        assertEquals(512, out.getLong());
        out.getShort();
        assertEquals(new NbdReply.Chunk(ChunkType.ERROR, Place.LAST, 6, 4 + 2 + 16), next(out));
        assertEquals(5, out.getInt());
        byte[] message = new byte[out.getShort()];
        out.get(message);
        assertEquals("the disk is gone", new String(message, StandardCharsets.UTF_8));
        assertEquals(new NbdReply.Chunk(ChunkType.BLOCK_STATUS, Place.LAST, 7, 4 + 16), next(out));
        assertEquals(9, out.getInt());
        assertEquals(new Decoding.Decoded<>(extents), StatusExtent.decodeAll(out));
    }

    @Test
    void shouldCutLongErrorMessagesToTheRoomPromised() {
        ByteBuffer out = ByteBuffer.allocate(ReplyEncoder.ERROR_BYTES_MAX);

        new ReplyEncoder(ReplyStyle.STRUCTURED).failed(out, 6, 0, NbdError.EIO, "ü".repeat(5000));

        assertEquals(20 + 4 + 2 + 512, out.position());
    }

    @Test
    void shouldRefuseMalformedStatus() {
        assertInstanceOf(Decoding.Malformed.class, StatusExtent.decodeAll(ByteBuffer.allocate(0)));
        assertInstanceOf(Decoding.Malformed.class, StatusExtent.decodeAll(ByteBuffer.allocate(12)));
        assertInstanceOf(Decoding.Malformed.class, StatusExtent.decodeAll(ByteBuffer.allocate(8)));
    }

    @Test
    void shouldNeverTakeGarbageForAMessage() {
        Seeds.forEach(500, random -> {
            byte[] garbage = new byte[random.nextInt(64)];
            random.nextBytes(garbage);
            ByteBuffer in = ByteBuffer.wrap(garbage);

            boolean isRequest = NbdRequest.decode(in, ReplyStyle.STRUCTURED) instanceof Decoding.Decoded<NbdRequest>;
            boolean isReply = NbdReply.decode(in) instanceof Decoding.Decoded<NbdReply>;

            assertTrue(!isRequest && !isReply);
            assertEquals(0, in.position());
        });
    }

    @Test
    void shouldTakeUnknownErrorsForInvalidArgument() {
        assertEquals(NbdError.ESHUTDOWN, NbdError.of(108));
        assertEquals(NbdError.EINVAL, NbdError.of(9999));
        assertEquals(NbdError.EINVAL, NbdError.of(-1));
    }

    @Test
    void shouldKeepTheKnownTransmissionFlags() {
        int bits = TransmissionFlag.bitsOf(TransmissionFlag.WRITABLE);

        assertEquals(0b1101_0110_1101, bits);
        assertEquals(TransmissionFlag.WRITABLE, TransmissionFlag.ofBits(bits | 1 << 15));
    }

    private static NbdRequest read(long offsetBytes, long lengthBytes) {
        return new NbdRequest(0, NbdCommand.READ, 0, offsetBytes, lengthBytes);
    }

    private static NbdRequest read(long cookie) {
        return new NbdRequest(0, NbdCommand.READ, cookie, 512, 4096);
    }

    private static NbdReply next(ByteBuffer in) {
        return switch (NbdReply.decode(in)) {
            case Decoding.Decoded<NbdReply>(NbdReply reply) -> reply;
            case Decoding.NeedMore<NbdReply> more -> throw new AssertionError(more.toString());
            case Decoding.Malformed<NbdReply> malformed -> throw new AssertionError(malformed.toString());
        };
    }
}
