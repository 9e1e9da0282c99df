package io.varve.formats.nbd;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The client's side of the fixed newstyle handshake (proto.md, "Handshake phase").
 *
 * <pre>
 * GREETING → STARTTLS (when encryption is demanded) → STRUCTURED_REPLY
 *          → SET_META_CONTEXT (when contexts are wanted and replies are structured) → GO → entered
 * </pre>
 *
 * <p>The shell calls {@link #advance} with what it received until the answer is {@link Step.Entered},
 * {@link Step.Refused}, {@link Step.NoSuchExport} or {@link Step.Malformed}. Thread: one at a time.
 */
public final class ClientHandshake {
    private static final int GREETING_BYTES = 18;
    private static final int REPLIES_MAX = 1024;
    private static final int INFO_EXPORT = 0;
    private static final int INFO_BLOCK_SIZE = 3;

    private enum Phase {
        GREETING,
        START_TLS,
        STRUCTURED_REPLY,
        SET_META_CONTEXT,
        GO
    }

    /** What the shell must do next. */
    public sealed interface Step {

        /** Receive {@code missingBytes} at least, and call again. */
        record NeedMore(int missingBytes) implements Step {}

        /** Send {@code bytes}, which may be none, and call again. */
        record Send(ByteBuffer bytes) implements Step {}

        /** Encrypt the connection, drop what came in the clear, send {@code bytes}, and call again. */
        record Encrypt(ByteBuffer bytes) implements Step {}

        /** The transmission phase begins. */
        record Entered(NbdSession session) implements Step {}

        /** The server doesn't want to; the sentence says why. */
        record Refused(String reason) implements Step {}

        /** The server has no export of this name; the sentence tells what it says. */
        record NoSuchExport(String reason) implements Step {}

        /** The server doesn't keep to the protocol. */
        record Malformed(String reason) implements Step {}
    }

    /** Whether the connection is to be encrypted; it is then, or there's none. */
    public enum Encryption {
        NONE,
        DEMANDED
    }

    private final String exportName;
    private final Encryption encryption;
    private final List<String> wantedContexts;
    private final List<NegotiatedContext> contexts = new ArrayList<>();
    private Phase phase = Phase.GREETING;
    private ReplyStyle replies = ReplyStyle.SIMPLE;
    private long sizeBytes = -1;
    private int flags;
    private BlockSizes blockSizes = BlockSizes.DEFAULT;
    private int replyCount;

    /** Without encryption. */
    public ClientHandshake(String exportName, List<String> wantedContexts) {
        this(exportName, wantedContexts, Encryption.NONE);
    }

    public ClientHandshake(String exportName, List<String> wantedContexts, Encryption encryption) {
        this.exportName = exportName;
        this.encryption = encryption;
        this.wantedContexts = List.copyOf(wantedContexts);
    }

    /** Consumes at most one message of the server from {@code in}. */
    public Step advance(ByteBuffer in) {
        if (phase == Phase.GREETING) {
            return greeting(in);
        }
        return switch (OptionReply.decode(in)) {
            case Decoding.NeedMore<OptionReply>(int missingBytes) -> new Step.NeedMore(missingBytes);
            case Decoding.Malformed<OptionReply>(String reason) -> new Step.Malformed(reason);
            case Decoding.Decoded<OptionReply>(OptionReply reply)
            when phase == Phase.START_TLS -> startTls(reply, in.hasRemaining());
            case Decoding.Decoded<OptionReply>(OptionReply reply) -> reply(reply);
        };
    }

    private Step greeting(ByteBuffer in) {
        int start = in.position();
        if (in.remaining() >= 8 && in.getLong(start) != NbdMagic.GREETING) {
            return new Step.Malformed(
                    String.format("greeting is 0x%016x, expected NBDMAGIC: not an NBD server", in.getLong(start)));
        }
        if (in.remaining() < GREETING_BYTES) {
            return new Step.NeedMore(GREETING_BYTES - in.remaining());
        }
        in.position(start + GREETING_BYTES);
        int serverFlags = in.getShort(start + 16);
        if (in.getLong(start + 8) != NbdMagic.OPTION || (serverFlags & NbdMagic.FLAG_FIXED_NEWSTYLE) == 0) {
            return new Step.Malformed("the server doesn't speak the fixed newstyle handshake");
        }
        int clientFlags = serverFlags & (NbdMagic.FLAG_FIXED_NEWSTYLE | NbdMagic.FLAG_NO_ZEROES);
        phase = encryption == Encryption.DEMANDED ? Phase.START_TLS : Phase.STRUCTURED_REPLY;
        ByteBuffer out = ByteBuffer.allocate(4 + OptionMessage.HEADER_BYTES).putInt(clientFlags);
        new OptionMessage(awaited().code(), ByteBuffer.allocate(0)).encode(out);
        return new Step.Send(out.flip());
    }

    /** What follows the answer in the clear may be anybody's (CVE-2021-3716's kind). */
    private Step startTls(OptionReply reply, boolean moreInTheClear) {
        if (reply.optionCode() != OptionCode.STARTTLS.code()) {
            return reply(reply);
        }
        if (reply.type() != OptionReplyType.ACK) {
            return refused("the server doesn't encrypt, which is demanded here", reply);
        }
        if (moreInTheClear) {
            return new Step.Malformed("bytes in the clear after the server agreed to encrypt");
        }
        phase = Phase.STRUCTURED_REPLY;
        ByteBuffer out = ByteBuffer.allocate(OptionMessage.HEADER_BYTES);
        new OptionMessage(OptionCode.STRUCTURED_REPLY.code(), ByteBuffer.allocate(0)).encode(out);
        return new Step.Encrypt(out.flip());
    }

    private Step reply(OptionReply reply) {
        if (reply.optionCode() != awaited().code()) {
            return new Step.Malformed(
                    "reply to option " + Integer.toUnsignedString(reply.optionCode()) + ", expected " + awaited());
        }
        if (++replyCount > REPLIES_MAX) {
            return new Step.Malformed("more than " + REPLIES_MAX + " replies during the handshake");
        }
        return switch (phase) {
            case GREETING, START_TLS, STRUCTURED_REPLY -> structuredReply(reply);
            case SET_META_CONTEXT -> metaContext(reply);
            case GO -> goReply(reply);
        };
    }

    private OptionCode awaited() {
        return switch (phase) {
            case START_TLS -> OptionCode.STARTTLS;
            case GREETING, STRUCTURED_REPLY -> OptionCode.STRUCTURED_REPLY;
            case SET_META_CONTEXT -> OptionCode.SET_META_CONTEXT;
            case GO -> OptionCode.GO;
        };
    }

    private Step structuredReply(OptionReply reply) {
        if (reply.type() == OptionReplyType.ERR_TLS_REQD) {
            return refused("the server wants encryption, for which this client was given no certificates", reply);
        }
        replies = reply.type() == OptionReplyType.ACK ? ReplyStyle.STRUCTURED : ReplyStyle.SIMPLE;
        if (replies == ReplyStyle.SIMPLE || wantedContexts.isEmpty()) {
            return sendGo();
        }
        phase = Phase.SET_META_CONTEXT;
        return send(OptionCode.SET_META_CONTEXT, new ContextQuery(exportName, wantedContexts).encode());
    }

    private Step metaContext(OptionReply reply) {
        if (reply.type() == OptionReplyType.ACK || reply.type().isError()) {
            // An error here is no reason to give up: GO will say what's wrong with the export.
            return sendGo();
        }
        if (reply.type() != OptionReplyType.META_CONTEXT || reply.payload().remaining() < 4) {
            return new Step.Malformed("reply of type " + reply.type() + " to SET_META_CONTEXT");
        }
        int id = reply.payload().getInt();
        if (!(NbdName.text(reply.payload()) instanceof Decoding.Decoded<String>(String name))) {
            return new Step.Malformed("malformed meta context name");
        }
        contexts.add(new NegotiatedContext(id, name));
        return new Step.Send(ByteBuffer.allocate(0));
    }

    private Step sendGo() {
        phase = Phase.GO;
        byte[] name = NbdName.bytes(exportName);
        ByteBuffer payload =
                ByteBuffer.allocate(4 + name.length + 4).putInt(name.length).put(name);
        payload.putShort((short) 1).putShort((short) INFO_BLOCK_SIZE);
        return send(OptionCode.GO, payload.flip());
    }

    private Step goReply(OptionReply reply) {
        return switch (reply.type()) {
            case ACK -> entered();
            case INFO -> info(reply.payload());
            case ERR_UNKNOWN -> new Step.NoSuchExport(sentence("the server has no export '" + exportName + "'", reply));
            case ERR_TLS_REQD ->
                refused("the server wants encryption, for which this client was given no certificates", reply);
            case ERR_UNSUP -> refused("the server doesn't know the option GO", reply);
            case ERR_POLICY,
                    ERR_INVALID,
                    ERR_PLATFORM,
                    ERR_SHUTDOWN,
                    ERR_BLOCK_SIZE_REQD,
                    ERR_TOO_BIG,
                    ERR_EXT_HEADER_REQD,
                    ERR_OTHER ->
                refused("the server refused export '" + exportName + "' (" + reply.type() + ")", reply);
            case SERVER, META_CONTEXT, OTHER -> new Step.Malformed("reply of type " + reply.type() + " to GO");
        };
    }

    private Step info(ByteBuffer payload) {
        int kind = payload.remaining() < 2 ? -1 : payload.getShort();
        if (kind == -1
                || (kind == INFO_EXPORT && payload.remaining() != 10)
                || (kind == INFO_BLOCK_SIZE && payload.remaining() != 12)) {
            return new Step.Malformed("export information of a wrong length");
        }
        if (kind == INFO_EXPORT) {
            sizeBytes = payload.getLong();
            flags = payload.getShort() & 0xffff;
        } else if (kind == INFO_BLOCK_SIZE) {
            blockSizes = new BlockSizes(payload.getInt(), payload.getInt(), Integer.toUnsignedLong(payload.getInt()));
        }
        return new Step.Send(ByteBuffer.allocate(0));
    }

    private Step entered() {
        if (sizeBytes < 0) {
            return new Step.Malformed("the server didn't tell the size of export '" + exportName + "'");
        }
        List<String> names = contexts.stream().map(NegotiatedContext::name).toList();
        ExportDescription export =
                new ExportDescription(exportName, sizeBytes, TransmissionFlag.ofBits(flags), blockSizes, names, "");
        return new Step.Entered(new NbdSession(export, replies, List.copyOf(contexts)));
    }

    private static Step refused(String what, OptionReply reply) {
        return new Step.Refused(sentence(what, reply));
    }

    private static String sentence(String what, OptionReply reply) {
        return switch (NbdName.text(reply.payload())) {
            case Decoding.Decoded<String>(String text) when !text.isEmpty() -> what + ": " + text;
            case Decoding.Decoded<String> _, Decoding.NeedMore<String> _, Decoding.Malformed<String> _ -> what;
        };
    }

    private static Step send(OptionCode option, ByteBuffer payload) {
        ByteBuffer out = ByteBuffer.allocate(OptionMessage.HEADER_BYTES + payload.remaining());
        new OptionMessage(option.code(), payload).encode(out);
        return new Step.Send(out.flip());
    }
}
