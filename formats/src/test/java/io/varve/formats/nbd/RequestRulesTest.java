package io.varve.formats.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.formats.nbd.NbdReply.Place;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Which requests are served, and what extended headers look like. */
class RequestRulesTest {
    private static final long SIZE_BYTES = 1L << 40;
    private static final RequestRules WRITABLE = new RequestRules(ReplyStyle.STRUCTURED, TransmissionFlag.WRITABLE);
    private static final RequestRules FIXED = new RequestRules(ReplyStyle.STRUCTURED, TransmissionFlag.UNWRITABLE);

    @Test
    void shouldServeEachCommandWithItsFlagsAndNoOther() {
        assertEquals(List.of(0x01, 0x04), flagsOf(WRITABLE, NbdCommand.READ));
        assertEquals(List.of(0x01), flagsOf(WRITABLE, NbdCommand.WRITE));
        assertEquals(List.of(0x01), flagsOf(WRITABLE, NbdCommand.FLUSH));
        assertEquals(List.of(0x01), flagsOf(WRITABLE, NbdCommand.TRIM));
        assertEquals(List.of(0x01), flagsOf(WRITABLE, NbdCommand.CACHE));
        assertEquals(List.of(0x01, 0x02, 0x10), flagsOf(WRITABLE, NbdCommand.WRITE_ZEROES));
        assertEquals(List.of(0x01, 0x08), flagsOf(WRITABLE, NbdCommand.BLOCK_STATUS));
        RequestRules extended = new RequestRules(ReplyStyle.EXTENDED, TransmissionFlag.WRITABLE);
        assertEquals(List.of(0x01, 0x20), flagsOf(extended, NbdCommand.WRITE));
        RequestRules simple = new RequestRules(ReplyStyle.SIMPLE, TransmissionFlag.WRITABLE);
        assertEquals(List.of(0x01), flagsOf(simple, NbdCommand.READ));
    }

    @Test
    void shouldRefuseFastZeroThatWasNotOffered() {
        Set<TransmissionFlag> slow = EnumSet.copyOf(TransmissionFlag.WRITABLE);
        slow.remove(TransmissionFlag.SEND_FAST_ZERO);

        assertEquals(List.of(0x01, 0x02), flagsOf(new RequestRules(ReplyStyle.SIMPLE, slow), NbdCommand.WRITE_ZEROES));
    }

    @Test
    void shouldRefuseAnUnknownCommand() {
        assertEquals(RequestVerdict.UNSUPPORTED, WRITABLE.judge(of(NbdCommand.UNKNOWN, 0, 1), SIZE_BYTES));
        assertEquals(NbdError.EINVAL, RequestVerdict.UNSUPPORTED.error());
    }

    @Test
    void shouldRefuseChangesOfAReadOnlyExport() {
        for (NbdCommand change : List.of(NbdCommand.WRITE, NbdCommand.TRIM, NbdCommand.WRITE_ZEROES)) {
            assertEquals(RequestVerdict.UNWRITABLE, FIXED.judge(of(change, 0, 512), SIZE_BYTES));
        }
        assertEquals(NbdError.EPERM, RequestVerdict.UNWRITABLE.error());
        assertEquals(RequestVerdict.SERVE, FIXED.judge(of(NbdCommand.FLUSH, 0, 0), SIZE_BYTES));
    }

    @Test
    void shouldAnswerNoSpaceToWritesBeyondTheEndAndInvalidToOthers() {
        for (long[] range : new long[][] {{SIZE_BYTES, 1}, {SIZE_BYTES - 1, 2}, {-1, 1}, {Long.MAX_VALUE, 512}}) {
            for (NbdCommand command : List.of(NbdCommand.WRITE, NbdCommand.WRITE_ZEROES)) {
                RequestVerdict verdict = WRITABLE.judge(of(command, range[0], range[1]), SIZE_BYTES);
                assertEquals(RequestVerdict.NO_SPACE, verdict);
            }
            for (NbdCommand command :
                    List.of(NbdCommand.READ, NbdCommand.TRIM, NbdCommand.CACHE, NbdCommand.BLOCK_STATUS)) {
                RequestVerdict verdict = WRITABLE.judge(of(command, range[0], range[1]), SIZE_BYTES);
                assertEquals(RequestVerdict.BEYOND_END, verdict);
            }
        }
        assertEquals(NbdError.ENOSPC, RequestVerdict.NO_SPACE.error());
        assertEquals(NbdError.EINVAL, RequestVerdict.BEYOND_END.error());
    }

    @Test
    void shouldRefuseLengthsThatOverflow() {
        assertEquals(RequestVerdict.BEYOND_END, WRITABLE.judge(of(NbdCommand.TRIM, 512, -1), SIZE_BYTES));
        assertEquals(RequestVerdict.BEYOND_END, WRITABLE.judge(of(NbdCommand.TRIM, 512, Long.MAX_VALUE), SIZE_BYTES));
        assertEquals(
                RequestVerdict.BEYOND_END,
                WRITABLE.judge(of(NbdCommand.TRIM, Long.MAX_VALUE, Long.MAX_VALUE), Long.MAX_VALUE));
    }

    @Test
    void shouldFindNothingToDoInEmptyRequests() {
        for (NbdCommand command : List.of(
                NbdCommand.READ, NbdCommand.WRITE, NbdCommand.TRIM, NbdCommand.CACHE, NbdCommand.WRITE_ZEROES)) {
            assertEquals(RequestVerdict.EMPTY, WRITABLE.judge(of(command, SIZE_BYTES, 0), SIZE_BYTES));
        }
        assertEquals(RequestVerdict.NO_RANGE, WRITABLE.judge(of(NbdCommand.BLOCK_STATUS, 0, 0), SIZE_BYTES));
    }

    @Test
    void shouldBoundWhatIsReadAtOnce() {
        long mostBytes = NbdLimits.REQUEST_BYTES_MAX;
        NbdRequest unfragmented = new NbdRequest(NbdRequest.FLAG_DF, NbdCommand.READ, 1, 0, 256 * 1024 + 1);

        assertEquals(RequestVerdict.SERVE, WRITABLE.judge(of(NbdCommand.READ, 0, mostBytes), SIZE_BYTES));
        assertEquals(RequestVerdict.TOO_LONG, WRITABLE.judge(of(NbdCommand.READ, 0, mostBytes + 1), SIZE_BYTES));
        assertEquals(RequestVerdict.TOO_LONG, WRITABLE.judge(of(NbdCommand.CACHE, 0, mostBytes + 1), SIZE_BYTES));
        assertEquals(RequestVerdict.TOO_LONG_FOR_ONE_CHUNK, WRITABLE.judge(unfragmented, SIZE_BYTES));
        assertEquals(RequestVerdict.SERVE, WRITABLE.judge(of(NbdCommand.TRIM, 0, SIZE_BYTES), SIZE_BYTES));
    }

    @Test
    void shouldSayWhatWasWrong() {
        String reason = RequestVerdict.BEYOND_END.reason(of(NbdCommand.READ, -1, 2), 512);

        assertEquals(
                "READ of 2 bytes at 18446744073709551615, flags 0x0, of an export of 512 bytes: "
                        + "the range doesn't lie within the export",
                reason);
    }

    @Test
    void shouldKnowWhichRequestsHaveAPayload() {
        RequestRules extended = new RequestRules(ReplyStyle.EXTENDED, TransmissionFlag.WRITABLE);
        NbdRequest told = new NbdRequest(NbdRequest.FLAG_PAYLOAD_LEN, NbdCommand.BLOCK_STATUS, 1, 0, 12);

        assertEquals(12, extended.payloadBytes(told));
        assertEquals(0, WRITABLE.payloadBytes(told));
        assertEquals(512, extended.payloadBytes(of(NbdCommand.WRITE, 0, 512)));
        assertEquals(0, extended.payloadBytes(of(NbdCommand.READ, 0, 512)));
    }

    @Test
    void shouldReadExtendedRequests() {
        ByteBuffer in = ByteBuffer.wrap(HexFormat.of()
                .parseHex("21e41c71" + "0020" + "0001" + "0102030405060708" + "0000000000001000" + "0000000000000200"));

        for (int cut = 0; cut < 32; cut++) {
            assertEquals(
                    new Decoding.NeedMore<NbdRequest>(32 - cut),
                    NbdRequest.decode(in.duplicate().limit(cut), ReplyStyle.EXTENDED));
        }
        NbdRequest write =
                new NbdRequest(NbdRequest.FLAG_PAYLOAD_LEN, NbdCommand.WRITE, 0x0102030405060708L, 0x1000, 0x200);
        assertInstanceOf(Decoding.Malformed.class, NbdRequest.decode(in, ReplyStyle.STRUCTURED));
        assertEquals(new Decoding.Decoded<>(write), NbdRequest.decode(in, ReplyStyle.EXTENDED));
    }

    @Test
    void shouldWriteExtendedChunksAsTheProtocolSays() {
        ReplyEncoder encoder = new ReplyEncoder(ReplyStyle.EXTENDED);
        NbdRequest read = new NbdRequest(0, NbdCommand.READ, 7, 0x1000, 0x2000);

        assertEquals(
                "6e8a278c" + "0001" + "0000" + "0000000000000007" + "0000000000001000" + "0000000000000000",
                written(out -> encoder.done(out, 7, 0x1000)));
        assertEquals(
                "6e8a278c" + "0000" + "0002" + "0000000000000007" + "0000000000001000" + "000000000000000c"
                        + "0000000000001800" + "00000200",
                written(out -> encoder.hole(out, Place.MORE_FOLLOW, read, 0x1800, 0x200)));
        assertEquals(
                "6e8a278c" + "0001" + "0006" + "0000000000000007" + "0000000000001000" + "0000000000000018" + "00000002"
                        + "00000001" + "00000000ffffffff" + "0000000000000003",
                written(out ->
                        encoder.blockStatus(out, Place.LAST, read, 2, List.of(new StatusExtent(0xffffffffL, 3)))));
        assertEquals(
                "6e8a278c" + "0001" + "8002" + "0000000000000007" + "0000000000001000" + "0000000000000010" + "00000005"
                        + "0002" + "6e6f" + "0000000000001800",
                written(out -> encoder.failedAt(out, read, 0x1800, NbdError.EIO, "no")));
    }

    @Test
    void shouldReadStatusPayloads() {
        ByteBuffer good = ByteBuffer.wrap(HexFormat.of().parseHex("0000000100000000" + "00000001" + "00000005"));

        assertEquals(new Decoding.Decoded<>(new StatusPayload(1L << 32, List.of(1, 5))), StatusPayload.decode(good));
        for (String bad : List.of("", "00000001", "0000000100000000" + "00", "0000000100000000" + "0000000100000001")) {
            ByteBuffer in = ByteBuffer.wrap(HexFormat.of().parseHex(bad));
            assertInstanceOf(Decoding.Malformed.class, StatusPayload.decode(in), bad);
        }
        assertInstanceOf(Decoding.Malformed.class, StatusPayload.decode(ByteBuffer.allocate(76)));
    }

    private interface Writing {
        void to(ByteBuffer out);
    }

    private static String written(Writing writing) {
        ByteBuffer out = ByteBuffer.allocate(ReplyEncoder.ERROR_BYTES_MAX);
        writing.to(out);
        return HexFormat.of().formatHex(out.array(), 0, out.position());
    }

    private static List<Integer> flagsOf(RequestRules rules, NbdCommand command) {
        List<Integer> taken = new ArrayList<>();
        for (int bit = 0; bit < 16; bit++) {
            RequestVerdict verdict = rules.judge(new NbdRequest(1 << bit, command, 1, 0, 512), SIZE_BYTES);
            assertTrue(verdict == RequestVerdict.SERVE || verdict == RequestVerdict.BAD_FLAGS, verdict.toString());
            if (verdict == RequestVerdict.SERVE) {
                taken.add(1 << bit);
            }
        }
        return taken;
    }

    private static NbdRequest of(NbdCommand command, long offsetBytes, long lengthBytes) {
        return new NbdRequest(0, command, 1, offsetBytes, lengthBytes);
    }
}
