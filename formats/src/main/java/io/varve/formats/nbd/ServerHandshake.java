package io.varve.formats.nbd;

import io.varve.formats.nbd.ExportDirectory.Lookup;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The server's side of the fixed newstyle handshake (proto.md, "Handshake phase").
 *
 * <pre>
 * greeting → CLIENT_FLAGS → OPTIONS ⟲ → entered (EXPORT_NAME, GO) | closed (ABORT, anything malformed)
 *                              STARTTLS: the shell encrypts, what was agreed on is forgotten, and the options go on
 * </pre>
 *
 * <p>Where encryption is demanded, nothing is answered before it but STARTTLS and ABORT (proto.md, FORCEDTLS).
 *
 * <p>The shell sends {@link #greeting()}, then calls {@link #advance} with what it received until the answer is
 * {@link Step.Enter}, {@link Step.Aborted} or {@link Step.Refused}. After {@link Step.Encrypt} it sends the bytes,
 * throws away what it received behind the option, encrypts, and calls again with what was decrypted. Thread: the
 * connection's only.
 */
public final class ServerHandshake {
    private static final int GREETING_BYTES = 18;
    private static final int OLD_PADDING_BYTES = 124;
    private static final int KNOWN_FLAGS = NbdMagic.FLAG_FIXED_NEWSTYLE | NbdMagic.FLAG_NO_ZEROES;

    private enum Phase {
        CLIENT_FLAGS,
        OPTIONS
    }

    /** Whether a client must encrypt. */
    public enum Encryption {
        /** It isn't offered. */
        NONE,
        /** Nothing goes on without. */
        DEMANDED
    }

    private enum Security {
        PLAIN,
        AWAITING_ENCRYPTION,
        ENCRYPTED
    }

    /** What the shell must do next. */
    public sealed interface Step {

        /** Receive {@code missingBytes} at least, and call again. */
        record NeedMore(int missingBytes) implements Step {}

        /** Send {@code bytes}, and call again. */
        record Answer(ByteBuffer bytes) implements Step {}

        /** Send {@code bytes}, drop what's left of the input, and encrypt. */
        record Encrypt(ByteBuffer bytes) implements Step {}

        /** Send {@code bytes}; what's left of the input belongs to the transmission phase. */
        record Enter(ByteBuffer bytes, NbdSession session) implements Step {}

        /** Send {@code bytes}, and close: the client takes its leave. */
        record Aborted(ByteBuffer bytes) implements Step {}

        /** Close: the client doesn't keep to the protocol, or wants what can't be refused more politely. */
        record Refused(String reason) implements Step {}
    }

    private final ExportDirectory directory;
    private ServerOptions options;
    private Security security;
    private Phase phase = Phase.CLIENT_FLAGS;
    private int clientFlags;
    private int optionCount;

    public ServerHandshake(ExportDirectory directory, Encryption encryption) {
        this.directory = directory;
        this.security = switch (encryption) {
            case NONE -> Security.PLAIN;
            case DEMANDED -> Security.AWAITING_ENCRYPTION;
        };
        this.options = new ServerOptions(directory);
    }

    /** The first bytes of a server. */
    public static ByteBuffer greeting() {
        return ByteBuffer.allocate(GREETING_BYTES)
                .putLong(NbdMagic.GREETING)
                .putLong(NbdMagic.OPTION)
                .putShort((short) KNOWN_FLAGS)
                .flip();
    }

    /** Consumes at most one message of the client from {@code in}. */
    public Step advance(ByteBuffer in) {
        return switch (phase) {
            case CLIENT_FLAGS -> clientFlags(in);
            case OPTIONS -> nextOption(in);
        };
    }

    private Step clientFlags(ByteBuffer in) {
        if (in.remaining() < 4) {
            return new Step.NeedMore(4 - in.remaining());
        }
        clientFlags = in.getInt();
        if ((clientFlags & ~KNOWN_FLAGS) != 0) {
            return refuse(String.format("client flags are 0x%x, only 0x%x are known", clientFlags, KNOWN_FLAGS));
        }
        phase = Phase.OPTIONS;
        return new Step.Answer(ByteBuffer.allocate(0));
    }

    private Step nextOption(ByteBuffer in) {
        return switch (OptionMessage.decode(in)) {
            case Decoding.NeedMore<OptionMessage>(int missingBytes) -> new Step.NeedMore(missingBytes);
            case Decoding.Malformed<OptionMessage>(String reason) -> refuse(reason);
            case Decoding.Decoded<OptionMessage>(OptionMessage message) -> option(message);
        };
    }

    private Step option(OptionMessage message) {
        if (++optionCount > NbdLimits.OPTIONS_MAX) {
            return refuse("more than " + NbdLimits.OPTIONS_MAX + " options");
        }
        if ((clientFlags & NbdMagic.FLAG_FIXED_NEWSTYLE) == 0 && message.option() != OptionCode.EXPORT_NAME) {
            return refuse("a client without the fixed newstyle handshake sent " + message.option());
        }
        return security == Security.AWAITING_ENCRYPTION ? optionInTheClear(message) : admitted(message);
    }

    private Step optionInTheClear(OptionMessage message) {
        return switch (message.option()) {
            case STARTTLS -> startTls(message);
            case ABORT -> aborted(message);
            case EXPORT_NAME -> refuse("a client without encryption wants an export: STARTTLS must come first");
            case GO, INFO, LIST, STRUCTURED_REPLY, EXTENDED_HEADERS, LIST_META_CONTEXT, SET_META_CONTEXT, UNKNOWN ->
                answer(OptionReply.of(
                        message.code(), OptionReplyType.ERR_TLS_REQD, "this server wants encryption: STARTTLS first"));
        };
    }

    private Step startTls(OptionMessage message) {
        if (message.payload().hasRemaining()) {
            return answer(OptionReply.of(message.code(), OptionReplyType.ERR_INVALID, "the option takes no payload"));
        }
        security = Security.ENCRYPTED;
        // Somebody on the way may have put in what came until now.
        options = new ServerOptions(directory);
        return new Step.Encrypt(encoded(List.of(OptionReply.acknowledge(message.code()))));
    }

    private Step aborted(OptionMessage message) {
        return new Step.Aborted(encoded(List.of(OptionReply.acknowledge(message.code()))));
    }

    private Step admitted(OptionMessage message) {
        return switch (message.option()) {
            case EXPORT_NAME -> exportName(message);
            case ABORT -> aborted(message);
            case GO -> go(message);
            case INFO -> answer(options.info(message));
            case LIST -> answer(options.list(message));
            case STRUCTURED_REPLY -> answer(options.structuredReplies(message));
            case EXTENDED_HEADERS -> answer(options.extendedHeaders(message));
            case LIST_META_CONTEXT -> answer(options.listContexts(message));
            case SET_META_CONTEXT -> answer(options.setContexts(message));
            case STARTTLS -> answer(noStartTls(message));
            case UNKNOWN ->
                answer(OptionReply.of(message.code(), OptionReplyType.ERR_UNSUP, "the option isn't supported"));
        };
    }

    private OptionReply noStartTls(OptionMessage message) {
        return security == Security.ENCRYPTED
                ? OptionReply.of(message.code(), OptionReplyType.ERR_INVALID, "the connection is encrypted already")
                : OptionReply.of(message.code(), OptionReplyType.ERR_POLICY, "encryption isn't offered by this server");
    }

    private Step exportName(OptionMessage message) {
        return switch (NbdName.text(message.payload())) {
            case Decoding.NeedMore<String> _ -> refuse("truncated export name");
            case Decoding.Malformed<String>(String reason) -> refuse(reason);
            case Decoding.Decoded<String>(String name) ->
                switch (directory.enter(name)) {
                    case Lookup.Unknown(String reason) -> refuse(reason);
                    case Lookup.Refused(String reason) -> refuse(reason);
                    case Lookup.Found(ExportDescription export) -> entered(options.session(export));
                };
        };
    }

    private Step entered(NbdSession session) {
        return new Step.Enter(oldExportReply(session.export()), session);
    }

    private ByteBuffer oldExportReply(ExportDescription export) {
        boolean padded = (clientFlags & NbdMagic.FLAG_NO_ZEROES) == 0;
        ByteBuffer out = ByteBuffer.allocate(10 + (padded ? OLD_PADDING_BYTES : 0));
        out.putLong(export.sizeBytes()).putShort((short) TransmissionFlag.bitsOf(export.flags()));
        return out.clear();
    }

    private Step go(OptionMessage message) {
        List<OptionReply> replies = new ArrayList<>();
        Optional<ExportDescription> entered = options.describe(message, directory::enter, replies);
        return entered.<Step>map(export -> new Step.Enter(encoded(replies), options.session(export)))
                .orElseGet(() -> answer(replies));
    }

    private static Step answer(OptionReply reply) {
        return answer(List.of(reply));
    }

    private static Step answer(List<OptionReply> replies) {
        return new Step.Answer(encoded(replies));
    }

    private static Step refuse(String reason) {
        return new Step.Refused(reason);
    }

    private static ByteBuffer encoded(List<OptionReply> replies) {
        int lengthBytes = replies.stream().mapToInt(OptionReply::encodedBytes).sum();
        ByteBuffer out = ByteBuffer.allocate(lengthBytes);
        replies.forEach(reply -> reply.encode(out));
        return out.flip();
    }
}
