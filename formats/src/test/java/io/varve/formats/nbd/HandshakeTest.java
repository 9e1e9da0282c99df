package io.varve.formats.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.Seeds;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Both sides of the handshake, with each other, with every way to cut the stream, and with garbage. */
class HandshakeTest {
    private static final ExportDescription DRIVE = new ExportDescription(
            "drive0",
            1 << 20,
            TransmissionFlag.WRITABLE,
            new BlockSizes(1, 65536, 1 << 25),
            List.of(StatusExtent.BASE_ALLOCATION, StatusExtent.DIRTY_BITMAP_PREFIX + "bitmap0"),
            "the drive of a test");

    /** One export, which is full when it's called {@code full}. */
    private record OneExport(List<String> names) implements ExportDirectory {
        @Override
        public Lookup find(String name) {
            return name.equals(DRIVE.name()) ? new Lookup.Found(DRIVE) : new Lookup.Unknown("no '" + name + "' here");
        }

        @Override
        public Lookup enter(String name) {
            return name.equals("full") ? new Lookup.Refused("it is full") : find(name);
        }
    }

    private static final ExportDirectory EXPORTS = new OneExport(List.of("drive0", "full"));

    @Test
    void shouldAgreeOnStructuredRepliesAndContexts() {
        List<String> wanted = List.of("qemu:dirty-bitmap:bitmap0", "qemu:dirty-bitmap:other");

        Outcome outcome = converse(new ClientHandshake("drive0", wanted), Integer.MAX_VALUE);

        NegotiatedContext context = new NegotiatedContext(1, "qemu:dirty-bitmap:bitmap0");
        Set<TransmissionFlag> told = TransmissionFlag.told(DRIVE.flags(), ReplyStyle.STRUCTURED);
        assertTrue(told.contains(TransmissionFlag.SEND_DF));
        assertEquals(DRIVE.name(), outcome.server().export().name());
        assertEquals(told, outcome.server().export().flags());
        assertEquals(ReplyStyle.STRUCTURED, outcome.server().replies());
        assertEquals(List.of(context), outcome.server().contexts());
        assertEquals(outcome.server().replies(), outcome.client().replies());
        assertEquals(List.of(context), outcome.client().contexts());
        assertEquals(DRIVE.sizeBytes(), outcome.client().export().sizeBytes());
        assertEquals(told, outcome.client().export().flags());
        assertEquals(DRIVE.blockSizes(), outcome.client().export().blockSizes());
    }

    @Test
    void shouldAgreeWhateverPiecesTheBytesComeIn() {
        for (int pieceBytes = 1; pieceBytes < 80; pieceBytes++) {
            Outcome outcome =
                    converse(new ClientHandshake("drive0", List.of(StatusExtent.BASE_ALLOCATION)), pieceBytes);

            assertEquals(
                    List.of(new NegotiatedContext(0, StatusExtent.BASE_ALLOCATION)),
                    outcome.client().contexts());
        }
    }

    @Test
    void shouldTellTheClientWhyAnExportIsRefused() {
        assertEquals(
                "the server has no export 'nothing': no 'nothing' here",
                refusal(new ClientHandshake("nothing", List.of("base:allocation"))));
        assertEquals(
                "the server refused export 'full' (ERR_POLICY): it is full",
                refusal(new ClientHandshake("full", List.of())));
    }

    @Test
    void shouldAnswerEachOptionByItsRule() {
        Options options = new Options(EXPORTS);

        assertEquals(List.of("SERVER", "SERVER", "ACK"), options.ask(OptionCode.LIST.code(), ""));
        assertEquals(List.of("ERR_INVALID"), options.ask(OptionCode.LIST.code(), "00"));
        assertEquals(List.of("ERR_POLICY"), options.ask(OptionCode.STARTTLS.code(), ""));
        assertEquals(List.of("ERR_UNSUP"), options.ask(12, ""));
        assertEquals(List.of("ERR_UNSUP"), options.ask(-7, "aabbcc"));
        assertEquals(List.of("ERR_UNKNOWN"), options.ask(OptionCode.INFO.code(), "00000001" + "41" + "0000"));
        assertEquals(
                List.of("INFO", "INFO", "INFO", "INFO", "ACK"),
                options.ask(OptionCode.INFO.code(), "00000006" + "647269766530" + "0004" + "0001000200030009"));
        assertEquals(List.of("ERR_INVALID"), options.ask(OptionCode.GO.code(), "00000006" + "6472"));
        assertEquals(List.of("ERR_INVALID"), options.ask(OptionCode.GO.code(), "00000001" + "41" + "0002" + "0001"));
        assertEquals(List.of("ERR_INVALID"), options.ask(OptionCode.GO.code(), "00000001" + "ff" + "0000"));
    }

    @Test
    void shouldSelectContextsOnlyAfterStructuredReplies() {
        Options options = new Options(EXPORTS);
        String drive = "00000006" + "647269766530";
        String namespace = "00000001" + "00000005" + "626173653a";
        String base = "00000001" + "0000000f" + "626173653a616c6c6f636174696f6e";

        assertEquals(List.of("ERR_INVALID"), options.ask(OptionCode.SET_META_CONTEXT.code(), drive + base));
        assertEquals(List.of("ACK"), options.ask(OptionCode.STRUCTURED_REPLY.code(), ""));
        assertEquals(List.of("META_CONTEXT", "ACK"), options.ask(OptionCode.SET_META_CONTEXT.code(), drive + base));
        assertEquals(List.of("ACK"), options.ask(OptionCode.SET_META_CONTEXT.code(), drive + namespace));
        assertEquals(
                List.of("META_CONTEXT", "ACK"), options.ask(OptionCode.LIST_META_CONTEXT.code(), drive + namespace));
        assertEquals(
                List.of("META_CONTEXT", "META_CONTEXT", "ACK"),
                options.ask(OptionCode.LIST_META_CONTEXT.code(), drive + "00000000"));
        assertEquals(List.of("ERR_INVALID"), options.ask(OptionCode.LIST_META_CONTEXT.code(), drive + "ffffffff"));
        assertEquals(
                List.of("ERR_UNKNOWN"),
                options.ask(OptionCode.LIST_META_CONTEXT.code(), "00000001" + "41" + "00000000"));
    }

    @Test
    void shouldServeTheOldWayToEnter() {
        ServerHandshake server = new ServerHandshake(EXPORTS, ServerHandshake.Encryption.NONE);
        assertInstanceOf(
                ServerHandshake.Step.Answer.class,
                server.advance(ByteBuffer.allocate(4).putInt(1).flip()));

        ServerHandshake.Step entered = server.advance(option(OptionCode.EXPORT_NAME.code(), "647269766530"));

        ServerHandshake.Step.Enter enter = assertInstanceOf(ServerHandshake.Step.Enter.class, entered);
        assertEquals(10 + 124, enter.bytes().remaining());
        assertEquals(DRIVE.sizeBytes(), enter.bytes().getLong());
        assertEquals(ReplyStyle.SIMPLE, enter.session().replies());
    }

    @Test
    void shouldDisconnectWhoExceedsABound() {
        assertRefused("client flags", List.of(ByteBuffer.allocate(4).putInt(4).flip()));
        assertRefused("announces 65537 bytes", List.of(flags(), announced(OptionCode.GO.code(), 65537)));
        assertRefused("announces 4294967295 bytes", List.of(flags(), announced(77, -1)));
        assertRefused("option magic", List.of(flags(), ByteBuffer.allocate(16)));
        assertRefused(
                "a name of 4097 bytes", List.of(flags(), option(OptionCode.EXPORT_NAME.code(), "41".repeat(4097))));
        List<ByteBuffer> many = new ArrayList<>(List.of(flags()));
        for (int i = 0; i <= NbdLimits.OPTIONS_MAX; i++) {
            many.add(option(99, ""));
        }
        assertRefused("more than 64 options", many);
    }

    @Test
    void shouldSurviveMutilatedClients() {
        Seeds.forEach(2000, random -> {
            ServerHandshake server = new ServerHandshake(EXPORTS, ServerHandshake.Encryption.NONE);
            ByteBuffer in = mutilated(random, clientBytes());
            for (int step = 0; step < 100; step++) {
                switch (server.advance(in)) {
                    case ServerHandshake.Step.Answer _ -> {}
                    case ServerHandshake.Step.NeedMore(int missingBytes) -> {
                        assertTrue(missingBytes > 0);
                        return;
                    }
                    case ServerHandshake.Step.Enter _,
                            ServerHandshake.Step.Encrypt _,
                            ServerHandshake.Step.Aborted _,
                            ServerHandshake.Step.Refused _ -> {
                        return;
                    }
                }
            }
            throw new AssertionError("no end");
        });
    }

    @Test
    void shouldSurviveMutilatedServers() {
        Seeds.forEach(2000, random -> {
            ClientHandshake client = new ClientHandshake("drive0", List.of(StatusExtent.BASE_ALLOCATION));
            ByteBuffer in = mutilated(random, serverBytes());
            for (int step = 0; step < 100; step++) {
                switch (client.advance(in)) {
                    case ClientHandshake.Step.Send _ -> {}
                    case ClientHandshake.Step.NeedMore(int missingBytes) -> {
                        assertTrue(missingBytes > 0);
                        return;
                    }
                    case ClientHandshake.Step.Entered _,
                            ClientHandshake.Step.Encrypt _,
                            ClientHandshake.Step.Refused _,
                            ClientHandshake.Step.NoSuchExport _,
                            ClientHandshake.Step.Malformed _ -> {
                        return;
                    }
                }
            }
            throw new AssertionError("no end");
        });
    }

    private record Outcome(NbdSession server, NbdSession client, ByteBuffer fromClient, ByteBuffer fromServer) {}

    /** Lets both sides talk until both have entered; the client gets the server's bytes in pieces. */
    private static Outcome converse(ClientHandshake client, int pieceBytes) {
        ServerHandshake server = new ServerHandshake(EXPORTS, ServerHandshake.Encryption.NONE);
        Pipe toServer = new Pipe();
        Pipe toClient = new Pipe();
        toClient.add(ServerHandshake.greeting());
        List<NbdSession> entered = new ArrayList<>();
        while (true) {
            ByteBuffer piece = toClient.next(pieceBytes);
            ClientHandshake.Step step = client.advance(piece);
            toClient.consumed(piece);
            switch (step) {
                case ClientHandshake.Step.Entered(NbdSession session) -> {
                    return new Outcome(entered.getFirst(), session, toServer.history(), toClient.history());
                }
                case ClientHandshake.Step.Send(ByteBuffer bytes) -> toServer.add(bytes);
                case ClientHandshake.Step.NeedMore _ -> toClient.grow();
                case ClientHandshake.Step.Encrypt _ -> throw new AssertionError("encryption that nobody wants");
                case ClientHandshake.Step.Refused(String reason) -> throw new RefusedError(reason);
                case ClientHandshake.Step.NoSuchExport(String reason) -> throw new RefusedError(reason);
                case ClientHandshake.Step.Malformed(String reason) -> throw new AssertionError(reason);
            }
            serve(server, toServer, toClient, entered);
        }
    }

    private static void serve(ServerHandshake server, Pipe toServer, Pipe toClient, List<NbdSession> entered) {
        while (entered.isEmpty()) {
            ByteBuffer in = toServer.next(Integer.MAX_VALUE);
            ServerHandshake.Step step = server.advance(in);
            toServer.consumed(in);
            switch (step) {
                case ServerHandshake.Step.NeedMore _ -> {
                    return;
                }
                case ServerHandshake.Step.Answer(ByteBuffer bytes) -> toClient.add(bytes);
                case ServerHandshake.Step.Enter(ByteBuffer bytes, NbdSession session) -> {
                    toClient.add(bytes);
                    entered.add(session);
                }
                case ServerHandshake.Step.Encrypt encrypt -> throw new AssertionError(encrypt.toString());
                case ServerHandshake.Step.Aborted aborted -> throw new AssertionError(aborted.toString());
                case ServerHandshake.Step.Refused(String reason) -> throw new AssertionError(reason);
            }
        }
    }

    private static final class RefusedError extends AssertionError {
        RefusedError(String reason) {
            super(reason);
        }
    }

    /** A direction of a connection. */
    private static final class Pipe {
        private final ByteBuffer bytes = ByteBuffer.allocate(1 << 16);
        private int start;
        private int grown;

        void add(ByteBuffer more) {
            bytes.put(more.duplicate());
        }

        ByteBuffer next(int pieceBytes) {
            long wanted = (long) pieceBytes * (1 + grown);
            int lengthBytes = (int) Math.min(wanted, bytes.position() - start);
            return bytes.slice(start, lengthBytes);
        }

        void grow() {
            grown++;
        }

        void consumed(ByteBuffer piece) {
            start += piece.position();
            grown = piece.position() > 0 ? 0 : grown;
        }

        ByteBuffer history() {
            return bytes.duplicate().flip();
        }
    }

    /** A server's handshake, and options put to it one by one. */
    private static final class Options {
        private final ServerHandshake server;

        Options(ExportDirectory directory) {
            server = new ServerHandshake(directory, ServerHandshake.Encryption.NONE);
            assertInstanceOf(ServerHandshake.Step.Answer.class, server.advance(flags()));
        }

        List<String> ask(int code, String payloadHex) {
            ServerHandshake.Step.Answer answer =
                    assertInstanceOf(ServerHandshake.Step.Answer.class, server.advance(option(code, payloadHex)));
            List<String> types = new ArrayList<>();
            while (answer.bytes().hasRemaining()) {
                if (!(OptionReply.decode(answer.bytes()) instanceof Decoding.Decoded<OptionReply>(OptionReply reply))) {
                    throw new AssertionError("not a reply");
                }
                assertEquals(code, reply.optionCode());
                types.add(reply.type().name());
            }
            return types;
        }
    }

    private static String refusal(ClientHandshake client) {
        try {
            return "entered: " + converse(client, Integer.MAX_VALUE);
        } catch (RefusedError e) {
            return String.valueOf(e.getMessage());
        }
    }

    private static void assertRefused(String reasonPart, List<ByteBuffer> messages) {
        ServerHandshake server = new ServerHandshake(EXPORTS, ServerHandshake.Encryption.NONE);
        ServerHandshake.Step last = new ServerHandshake.Step.NeedMore(1);
        for (ByteBuffer message : messages) {
            last = server.advance(message);
        }
        ServerHandshake.Step.Refused refused = assertInstanceOf(ServerHandshake.Step.Refused.class, last);
        assertTrue(refused.reason().contains(reasonPart), refused.reason());
    }

    private static ByteBuffer flags() {
        return ByteBuffer.allocate(4).putInt(3).flip();
    }

    private static ByteBuffer option(int code, String payloadHex) {
        byte[] payload = java.util.HexFormat.of().parseHex(payloadHex);
        return ByteBuffer.allocate(16 + payload.length)
                .putLong(NbdMagic.OPTION)
                .putInt(code)
                .putInt(payload.length)
                .put(payload)
                .flip();
    }

    private static ByteBuffer announced(int code, int lengthBytes) {
        return option(code, "").putInt(12, lengthBytes);
    }

    private static ByteBuffer clientBytes() {
        return converse(new ClientHandshake("drive0", List.of("base:allocation")), Integer.MAX_VALUE)
                .fromClient();
    }

    private static ByteBuffer serverBytes() {
        return converse(new ClientHandshake("drive0", List.of("base:allocation")), Integer.MAX_VALUE)
                .fromServer();
    }

    private static ByteBuffer mutilated(SplittableRandom random, ByteBuffer bytes) {
        for (int change = random.nextInt(6); change >= 0; change--) {
            bytes.put(random.nextInt(bytes.limit()), (byte) random.nextInt(256));
        }
        return bytes.limit(1 + random.nextInt(bytes.limit()));
    }
}
