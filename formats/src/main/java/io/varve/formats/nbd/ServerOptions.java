package io.varve.formats.nbd;

import io.varve.formats.nbd.ExportDirectory.Lookup;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * The options that don't end the handshake, and what they agreed on so far: structured replies and meta contexts.
 *
 * <p>Thread: the connection's only.
 */
final class ServerOptions {
    /** What LIST answers with all that begins so; the name of a bitmap may itself end with a colon. */
    private static final Set<String> WILDCARDS = Set.of("base:", "qemu:", StatusExtent.DIRTY_BITMAP_PREFIX);

    private static final int INFO_EXPORT = 0;
    private static final int INFO_NAME = 1;
    private static final int INFO_DESCRIPTION = 2;
    private static final int INFO_BLOCK_SIZE = 3;

    private final ExportDirectory directory;
    private ReplyStyle replies = ReplyStyle.SIMPLE;
    private String contextsExport = "";
    private List<NegotiatedContext> contexts = List.of();

    ServerOptions(ExportDirectory directory) {
        this.directory = directory;
    }

    /** The session on {@code export}; contexts that were selected for another export don't count. */
    NbdSession session(ExportDescription export) {
        boolean selected = contextsExport.equals(export.name());
        ExportDescription told = new ExportDescription(
                export.name(),
                export.sizeBytes(),
                flags(export),
                export.blockSizes(),
                export.metaContexts(),
                export.description());
        return new NbdSession(told, replies, selected ? contexts : List.of());
    }

    private Set<TransmissionFlag> flags(ExportDescription export) {
        return TransmissionFlag.told(export.flags(), replies);
    }

    List<OptionReply> structuredReplies(OptionMessage message) {
        if (message.payload().hasRemaining()) {
            return invalid(message, "the option takes no payload");
        }
        if (replies == ReplyStyle.EXTENDED) {
            String reason = "extended headers, which were negotiated, exclude structured replies";
            return List.of(OptionReply.of(message.code(), OptionReplyType.ERR_EXT_HEADER_REQD, reason));
        }
        replies = ReplyStyle.STRUCTURED;
        return List.of(OptionReply.acknowledge(message.code()));
    }

    List<OptionReply> extendedHeaders(OptionMessage message) {
        if (message.payload().hasRemaining()) {
            return invalid(message, "the option takes no payload");
        }
        if (replies == ReplyStyle.EXTENDED) {
            return invalid(message, "extended headers were negotiated already");
        }
        replies = ReplyStyle.EXTENDED;
        return List.of(OptionReply.acknowledge(message.code()));
    }

    List<OptionReply> list(OptionMessage message) {
        if (message.payload().hasRemaining()) {
            return invalid(message, "the option takes no payload");
        }
        List<OptionReply> answers = new ArrayList<>();
        for (String name : directory.names()) {
            byte[] bytes = NbdName.bytes(name);
            byte[] description = directory.find(name) instanceof Lookup.Found(ExportDescription export)
                    ? NbdName.bytes(export.description())
                    : new byte[0];
            ByteBuffer payload = ByteBuffer.allocate(4 + bytes.length + description.length)
                    .putInt(bytes.length)
                    .put(bytes)
                    .put(description);
            answers.add(new OptionReply(message.code(), OptionReplyType.SERVER, payload.flip()));
        }
        answers.add(OptionReply.acknowledge(message.code()));
        return answers;
    }

    List<OptionReply> info(OptionMessage message) {
        List<OptionReply> answers = new ArrayList<>();
        describe(message, directory::find, answers);
        return answers;
    }

    /** Answers INFO and GO: adds the replies to {@code answers}; the export when it was found. */
    Optional<ExportDescription> describe(
            OptionMessage message, Function<String, Lookup> lookup, List<OptionReply> answers) {
        ByteBuffer payload = message.payload();
        if (!(NbdName.decode(payload) instanceof Decoding.Decoded<String>(String name)) || !isInfoList(payload)) {
            answers.addAll(invalid(message, "malformed payload"));
            return Optional.empty();
        }
        return switch (lookup.apply(name)) {
            case Lookup.Unknown(String reason) -> {
                answers.add(OptionReply.of(message.code(), OptionReplyType.ERR_UNKNOWN, reason));
                yield Optional.empty();
            }
            case Lookup.Refused(String reason) -> {
                answers.add(OptionReply.of(message.code(), OptionReplyType.ERR_POLICY, reason));
                yield Optional.empty();
            }
            case Lookup.Found(ExportDescription export) -> {
                answers.add(exportInfo(message.code(), export));
                requestedInfo(message.code(), payload, export, answers);
                answers.add(OptionReply.acknowledge(message.code()));
                yield Optional.of(export);
            }
        };
    }

    private static boolean isInfoList(ByteBuffer payload) {
        return payload.remaining() >= 2
                && payload.remaining() == 2 + 2 * (payload.getShort(payload.position()) & 0xffff);
    }

    private OptionReply exportInfo(int code, ExportDescription export) {
        ByteBuffer info = ByteBuffer.allocate(12).putShort((short) INFO_EXPORT).putLong(export.sizeBytes());
        info.putShort((short) TransmissionFlag.bitsOf(flags(export)));
        return new OptionReply(code, OptionReplyType.INFO, info.flip());
    }

    private static void requestedInfo(
            int code, ByteBuffer payload, ExportDescription export, List<OptionReply> answers) {
        payload.getShort();
        while (payload.hasRemaining()) {
            switch (payload.getShort() & 0xffff) {
                case INFO_NAME -> answers.add(textInfo(code, INFO_NAME, export.name()));
                case INFO_DESCRIPTION -> {
                    if (!export.description().isEmpty()) {
                        answers.add(textInfo(code, INFO_DESCRIPTION, export.description()));
                    }
                }
                case INFO_BLOCK_SIZE -> {
                    BlockSizes sizes = export.blockSizes();
                    ByteBuffer info = ByteBuffer.allocate(14).putShort((short) INFO_BLOCK_SIZE);
                    info.putInt(sizes.minimumBytes()).putInt(sizes.preferredBytes());
                    info.putInt((int) sizes.maximumBytes());
                    answers.add(new OptionReply(code, OptionReplyType.INFO, info.flip()));
                }
                default -> {
                    // A server may leave out what it doesn't have.
                }
            }
        }
    }

    private static OptionReply textInfo(int code, int kind, String text) {
        byte[] bytes = NbdName.bytes(text);
        ByteBuffer info =
                ByteBuffer.allocate(2 + bytes.length).putShort((short) kind).put(bytes);
        return new OptionReply(code, OptionReplyType.INFO, info.flip());
    }

    List<OptionReply> listContexts(OptionMessage message) {
        return contexts(message, ServerOptions::listed);
    }

    List<OptionReply> setContexts(OptionMessage message) {
        contexts = List.of();
        if (replies == ReplyStyle.SIMPLE) {
            return invalid(message, "meta contexts need structured replies, which weren't negotiated");
        }
        return contexts(message, this::selected);
    }

    private List<OptionReply> contexts(
            OptionMessage message, BiFunction<List<String>, ExportDescription, List<NegotiatedContext>> choose) {
        return switch (ContextQuery.decode(message.payload())) {
            case Decoding.NeedMore<ContextQuery> _ -> invalid(message, "truncated payload");
            case Decoding.Malformed<ContextQuery>(String reason) -> invalid(message, reason);
            case Decoding.Decoded<ContextQuery>(ContextQuery query) ->
                switch (directory.find(query.exportName())) {
                    case Lookup.Unknown(String reason) ->
                        List.of(OptionReply.of(message.code(), OptionReplyType.ERR_UNKNOWN, reason));
                    case Lookup.Refused(String reason) ->
                        List.of(OptionReply.of(message.code(), OptionReplyType.ERR_POLICY, reason));
                    case Lookup.Found(ExportDescription export) ->
                        contextReplies(message.code(), choose.apply(query.queries(), export));
                };
        };
    }

    private static List<OptionReply> contextReplies(int code, List<NegotiatedContext> chosen) {
        List<OptionReply> answers = new ArrayList<>();
        for (NegotiatedContext context : chosen) {
            byte[] name = NbdName.bytes(context.name());
            ByteBuffer payload =
                    ByteBuffer.allocate(4 + name.length).putInt(context.id()).put(name);
            answers.add(new OptionReply(code, OptionReplyType.META_CONTEXT, payload.flip()));
        }
        answers.add(OptionReply.acknowledge(code));
        return answers;
    }

    private static List<NegotiatedContext> listed(List<String> queries, ExportDescription export) {
        List<NegotiatedContext> found = new ArrayList<>();
        for (String name : export.metaContexts()) {
            if (queries.isEmpty()
                    || queries.stream()
                            .anyMatch(q -> q.equals(name) || (WILDCARDS.contains(q) && name.startsWith(q)))) {
                found.add(new NegotiatedContext(0, name));
            }
        }
        return found;
    }

    private List<NegotiatedContext> selected(List<String> queries, ExportDescription export) {
        List<NegotiatedContext> found = new ArrayList<>();
        for (int id = 0; id < export.metaContexts().size(); id++) {
            String name = export.metaContexts().get(id);
            if (queries.contains(name) && found.size() < NbdLimits.CONTEXTS_MAX) {
                found.add(new NegotiatedContext(id, name));
            }
        }
        contextsExport = export.name();
        contexts = List.copyOf(found);
        return found;
    }

    private static List<OptionReply> invalid(OptionMessage message, String reason) {
        return List.of(OptionReply.of(message.code(), OptionReplyType.ERR_INVALID, reason));
    }
}
