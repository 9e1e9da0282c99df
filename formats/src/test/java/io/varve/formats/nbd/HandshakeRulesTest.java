package io.varve.formats.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.formats.nbd.ServerHandshake.Encryption;
import io.varve.formats.nbd.ServerHandshake.Step;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * One rule of the server's handshake a test: encryption first, extended headers, old clients, and each wrong option.
 */
class HandshakeRulesTest {
    private static final String DRIVE = "00000006" + "647269766530";
    private static final String BASE = "00000001" + "0000000f" + "626173653a616c6c6f636174696f6e";
    private static final ExportDescription EXPORT = new ExportDescription(
            "drive0",
            1 << 20,
            TransmissionFlag.WRITABLE,
            BlockSizes.DEFAULT,
            List.of(StatusExtent.BASE_ALLOCATION, "qemu:dirty-bitmap:b", "qemu:dirty-bitmap:b:c"),
            "a disk");

    private static final class OneExport implements ExportDirectory {
        @Override
        public List<String> names() {
            return List.of("drive0");
        }

        @Override
        public Lookup find(String name) {
            return name.equals("drive0") ? new Lookup.Found(EXPORT) : new Lookup.Unknown("no '" + name + "' here");
        }

        @Override
        public Lookup enter(String name) {
            return find(name);
        }
    }

    private ServerHandshake server = begun(Encryption.NONE, 3);

    @Test
    void shouldTellDescriptions() {
        assertEquals("SERVER drive0a disk", text(ask(OptionCode.LIST, "").getFirst(), 4));
        assertEquals(
                "INFO a disk",
                text(ask(OptionCode.INFO, DRIVE + "0001" + "0002").get(1), 2));
    }

    @Test
    void shouldTellBlockSizes() {
        OptionReply sizes = ask(OptionCode.INFO, DRIVE + "0001" + "0003").get(1);

        assertEquals(3, sizes.payload().getShort());
        assertEquals(1, sizes.payload().getInt());
        assertEquals(4096, sizes.payload().getInt());
        assertEquals(32 << 20, sizes.payload().getInt());
    }

    @Test
    void shouldAgreeOnExtendedHeadersOnce() {
        assertEquals(List.of("ACK"), types(ask(OptionCode.STRUCTURED_REPLY, "")));
        assertEquals(List.of("ERR_INVALID"), types(ask(OptionCode.EXTENDED_HEADERS, "00")));
        assertEquals(List.of("ACK"), types(ask(OptionCode.EXTENDED_HEADERS, "")));
        assertEquals(List.of("ERR_INVALID"), types(ask(OptionCode.EXTENDED_HEADERS, "")));
        assertEquals(List.of("ERR_EXT_HEADER_REQD"), types(ask(OptionCode.STRUCTURED_REPLY, "")));
        assertEquals(List.of("META_CONTEXT", "ACK"), types(ask(OptionCode.SET_META_CONTEXT, DRIVE + BASE)));

        NbdSession session = enter();

        assertEquals(ReplyStyle.EXTENDED, session.replies());
        assertEquals(List.of(new NegotiatedContext(0, "base:allocation")), session.contexts());
        assertTrue(session.export().flags().contains(TransmissionFlag.BLOCK_STATUS_PAYLOAD));
    }

    @Test
    void shouldListQemusNamespaceByItsPrefixes() {
        String qemu = "00000001" + "00000005" + hex("qemu:");
        String bitmaps = "00000001" + "00000012" + hex("qemu:dirty-bitmap:");
        String another = "00000001" + "00000014" + hex("qemu:dirty-bitmap:b:");
        List<String> both = List.of("META_CONTEXT", "META_CONTEXT", "ACK");

        assertEquals(both, types(ask(OptionCode.LIST_META_CONTEXT, DRIVE + qemu)));
        assertEquals(both, types(ask(OptionCode.LIST_META_CONTEXT, DRIVE + bitmaps)));
        assertEquals(List.of("ACK"), types(ask(OptionCode.LIST_META_CONTEXT, DRIVE + another)));
    }

    @Test
    void shouldSelectNothingByAPrefix() {
        ask(OptionCode.STRUCTURED_REPLY, "");

        for (String prefix : List.of("qemu:", "qemu:dirty-bitmap:", "base:")) {
            String query = "00000001" + "%08x".formatted(prefix.length()) + hex(prefix);
            assertEquals(List.of("ACK"), types(ask(OptionCode.SET_META_CONTEXT, DRIVE + query)));
        }
    }

    @Test
    void shouldForgetContextsThatWereSelectedBeforeAFailure() {
        ask(OptionCode.STRUCTURED_REPLY, "");
        ask(OptionCode.SET_META_CONTEXT, DRIVE + BASE);

        assertEquals(List.of("ERR_UNKNOWN"), types(ask(OptionCode.SET_META_CONTEXT, "00000001" + "41" + BASE)));

        assertEquals(List.of(), enter().contexts());
    }

    @Test
    void shouldDemandEncryptionBeforeAnythingElse() {
        server = begun(Encryption.DEMANDED, 3);

        for (OptionCode option : List.of(
                OptionCode.LIST,
                OptionCode.INFO,
                OptionCode.GO,
                OptionCode.STRUCTURED_REPLY,
                OptionCode.EXTENDED_HEADERS,
                OptionCode.LIST_META_CONTEXT,
                OptionCode.SET_META_CONTEXT,
                OptionCode.UNKNOWN)) {
            assertEquals(List.of("ERR_TLS_REQD"), types(ask(option, DRIVE + "0000")), option.toString());
        }
        assertInstanceOf(Step.Refused.class, server.advance(option(OptionCode.EXPORT_NAME.code(), "647269766530")));
        assertInstanceOf(Step.Aborted.class, server.advance(option(OptionCode.ABORT.code(), "")));
    }

    @Test
    void shouldForgetEverythingWhenEncryptionBegins() {
        server = begun(Encryption.DEMANDED, 3);
        assertEquals(List.of("ERR_INVALID"), types(ask(OptionCode.STARTTLS, "00")));
        assertEquals(List.of("ERR_TLS_REQD"), types(ask(OptionCode.STRUCTURED_REPLY, "")));

        assertInstanceOf(Step.Encrypt.class, server.advance(option(OptionCode.STARTTLS.code(), "")));

        assertEquals(List.of("ERR_INVALID"), types(ask(OptionCode.SET_META_CONTEXT, DRIVE + BASE)));
        assertEquals(List.of("ERR_INVALID"), types(ask(OptionCode.STARTTLS, "")));
        assertEquals(ReplyStyle.SIMPLE, enter().replies());
    }

    @Test
    void shouldRefuseEncryptionThatIsNotOffered() {
        assertEquals(List.of("ERR_POLICY"), types(ask(OptionCode.STARTTLS, "")));
    }

    @Test
    void shouldLeaveOldClientsTheOldOptionAlone() {
        server = begun(Encryption.NONE, 0);
        assertInstanceOf(Step.Refused.class, server.advance(option(OptionCode.LIST.code(), "")));

        server = begun(Encryption.NONE, 0);
        assertInstanceOf(Step.Enter.class, server.advance(option(OptionCode.EXPORT_NAME.code(), "647269766530")));
    }

    @Test
    void shouldNotPadForClientsThatWantNoZeroes() {
        Step.Enter enter = assertInstanceOf(
                Step.Enter.class, server.advance(option(OptionCode.EXPORT_NAME.code(), "647269766530")));

        assertEquals(10, enter.bytes().remaining());
    }

    @Test
    void shouldCloseOnAnUnknownExportName() {
        assertInstanceOf(Step.Refused.class, server.advance(option(OptionCode.EXPORT_NAME.code(), "41")));
    }

    @Test
    void shouldAcknowledgeAbort() {
        Step.Aborted aborted =
                assertInstanceOf(Step.Aborted.class, server.advance(option(OptionCode.ABORT.code(), "")));

        assertEquals(20, aborted.bytes().remaining());
    }

    @Test
    void shouldRefuseNamesThatClaimMoreThanTheOptionHolds() {
        for (OptionCode option : List.of(OptionCode.GO, OptionCode.INFO, OptionCode.LIST_META_CONTEXT)) {
            assertEquals(List.of("ERR_INVALID"), types(ask(option, "ffffffff" + "41" + "0000")));
            assertEquals(List.of("ERR_INVALID"), types(ask(option, "00001001" + "41".repeat(4097) + "0000")));
            assertEquals(List.of("ERR_INVALID"), types(ask(option, "000000")));
            assertEquals(List.of("ERR_INVALID"), types(ask(option, "")));
        }
    }

    @Test
    void shouldTakeNamesAsLongAsTheProtocolAllows() {
        assertEquals(List.of("ERR_UNKNOWN"), types(ask(OptionCode.INFO, "00001000" + "41".repeat(4096) + "0000")));
    }

    @Test
    void shouldRefuseInfoListsThatDoNotFit() {
        assertEquals(List.of("ERR_INVALID"), types(ask(OptionCode.GO, DRIVE + "ffff" + "0003")));
        assertEquals(List.of("ERR_INVALID"), types(ask(OptionCode.GO, DRIVE + "0000" + "0003")));
        assertEquals(List.of("ERR_INVALID"), types(ask(OptionCode.GO, DRIVE)));
    }

    @Test
    void shouldRefuseQueriesThatDoNotFit() {
        ask(OptionCode.STRUCTURED_REPLY, "");
        for (String queries :
                List.of("", "0000", "00000002" + BASE.substring(8), BASE + "00", "00000001" + "7fffffff")) {
            assertEquals(List.of("ERR_INVALID"), types(ask(OptionCode.SET_META_CONTEXT, DRIVE + queries)), queries);
        }
    }

    private NbdSession enter() {
        return assertInstanceOf(Step.Enter.class, server.advance(option(OptionCode.GO.code(), DRIVE + "0000")))
                .session();
    }

    private List<OptionReply> ask(OptionCode code, String payloadHex) {
        Step.Answer answer = assertInstanceOf(Step.Answer.class, server.advance(option(code.code(), payloadHex)));
        List<OptionReply> replies = new ArrayList<>();
        while (answer.bytes().hasRemaining()) {
            if (!(OptionReply.decode(answer.bytes()) instanceof Decoding.Decoded<OptionReply>(OptionReply reply))) {
                throw new AssertionError("not a reply");
            }
            replies.add(reply);
        }
        return replies;
    }

    private static List<String> types(List<OptionReply> replies) {
        return replies.stream().map(reply -> reply.type().name()).toList();
    }

    private static String text(OptionReply reply, int skippedBytes) {
        byte[] bytes = new byte[reply.payload().remaining()];
        reply.payload().get(bytes);
        return reply.type() + " "
                + new String(bytes, skippedBytes, bytes.length - skippedBytes, StandardCharsets.UTF_8);
    }

    private static String hex(String text) {
        return HexFormat.of().formatHex(text.getBytes(StandardCharsets.US_ASCII));
    }

    private static ServerHandshake begun(Encryption encryption, int clientFlags) {
        ServerHandshake begun = new ServerHandshake(new OneExport(), encryption);
        begun.advance(ByteBuffer.allocate(4).putInt(clientFlags).flip());
        return begun;
    }

    private static ByteBuffer option(int code, String payloadHex) {
        byte[] payload = HexFormat.of().parseHex(payloadHex);
        ByteBuffer out = ByteBuffer.allocate(OptionMessage.HEADER_BYTES + payload.length);
        new OptionMessage(code, ByteBuffer.wrap(payload)).encode(out);
        return out.flip();
    }
}
