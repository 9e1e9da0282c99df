package io.varve.formats.nbd;

import io.varve.formats.nbd.ExportDirectory.Lookup;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The server's side of the fixed newstyle handshake (proto.md, "Handshake phase"), without encryption.
 *
 * <pre>
 * greeting → CLIENT_FLAGS → OPTIONS ⟲ → entered (EXPORT_NAME, GO) | closed (ABORT, anything malformed)
 * </pre>
 *
 * <p>The shell sends {@link #greeting()}, then calls {@link #advance} with what it received until the answer is
 * {@link Step.Enter}, {@link Step.Aborted} or {@link Step.Refused}. Thread: the connection's only.
 */
public final class ServerHandshake {
    private static final int GREETING_BYTES = 18;
    private static final int OLD_PADDING_BYTES = 124;
    private static final int KNOWN_FLAGS = NbdMagic.FLAG_FIXED_NEWSTYLE | NbdMagic.FLAG_NO_ZEROES;

    private enum Phase {
        CLIENT_FLAGS,
        OPTIONS
    }

    /** What the shell must do next. */
    public sealed interface Step {

        /** Receive {@code missingBytes} at least, and call again. */
        record NeedMore(int missingBytes) implements Step {}

        /** Send {@code bytes}, and call again. */
        record Answer(ByteBuffer bytes) implements Step {}

        /** Send {@code bytes}; what's left of the input belongs to the transmission phase. */
        record Enter(ByteBuffer bytes, NbdSession session) implements Step {}

        /** Send {@code bytes}, and close: the client takes its leave. */
        record Aborted(ByteBuffer bytes) implements Step {}

        /** Close: the client doesn't keep to the protocol, or wants what can't be refused more politely. */
        record Refused(String reason) implements Step {}
    }

    private final ExportDirectory directory;
    private final ServerOptions options;
    private Phase phase = Phase.CLIENT_FLAGS;
    private int clientFlags;
    private int optionCount;

    public ServerHandshake(ExportDirectory directory) {
        this.directory = directory;
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
        return switch (message.option()) {
            case EXPORT_NAME -> exportName(message);
            case ABORT -> new Step.Aborted(encoded(List.of(OptionReply.acknowledge(message.code()))));
            case GO -> go(message);
            case INFO -> answer(options.info(message));
            case LIST -> answer(options.list(message));
            case STRUCTURED_REPLY -> answer(options.structuredReplies(message));
            case LIST_META_CONTEXT -> answer(options.listContexts(message));
            case SET_META_CONTEXT -> answer(options.setContexts(message));
            case STARTTLS ->
                answer(OptionReply.of(
                        message.code(), OptionReplyType.ERR_POLICY, "encryption isn't offered by this server"));
            case UNKNOWN ->
                answer(OptionReply.of(message.code(), OptionReplyType.ERR_UNSUP, "the option isn't supported"));
        };
    }

    private Step exportName(OptionMessage message) {
        return switch (NbdName.text(message.payload())) {
            case Decoding.NeedMore<String> _ -> refuse("truncated export name");
            case Decoding.Malformed<String>(String reason) -> refuse(reason);
            case Decoding.Decoded<String>(String name) ->
                switch (directory.enter(name)) {
                    case Lookup.Unknown(String reason) -> refuse(reason);
                    case Lookup.Refused(String reason) -> refuse(reason);
                    case Lookup.Found(ExportDescription export) ->
                        new Step.Enter(oldExportReply(export), options.session(export));
                };
        };
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
