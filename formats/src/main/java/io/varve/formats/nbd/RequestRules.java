package io.varve.formats.nbd;

import java.util.Set;

/**
 * Which requests of a session are served (proto.md, "Request types", "Command flags", "Error values").
 *
 * <p>An unknown flag is an error, never ignored: who sets one expects something of it. FUA is taken with every command,
 * as the protocol has it, and means something for those that change. Thread: safe for any; allocates nothing.
 */
public final class RequestRules {
    private final ReplyStyle style;
    private final boolean writable;
    private final boolean trims;
    private final boolean zeroes;
    private final boolean zeroesFast;
    private final boolean caches;

    /** The rules of a session whose handshake told {@code flags}. */
    public RequestRules(ReplyStyle style, Set<TransmissionFlag> flags) {
        this.style = style;
        this.writable = !flags.contains(TransmissionFlag.READ_ONLY);
        this.trims = flags.contains(TransmissionFlag.SEND_TRIM);
        this.zeroes = flags.contains(TransmissionFlag.SEND_WRITE_ZEROES);
        this.zeroesFast = flags.contains(TransmissionFlag.SEND_FAST_ZERO);
        this.caches = flags.contains(TransmissionFlag.SEND_CACHE);
    }

    /** The bytes that follow a request's header, as the client claims: check before trusting. Unsigned. */
    public long payloadBytes(NbdRequest request) {
        boolean told = style == ReplyStyle.EXTENDED && request.has(NbdRequest.FLAG_PAYLOAD_LEN);
        return told || request.command() == NbdCommand.WRITE ? request.lengthBytes() : 0;
    }

    /** Judges a request on an export that has {@code sizeBytes} now. A BLOCK_STATUS has its payload read already. */
    public RequestVerdict judge(NbdRequest request, long sizeBytes) {
        NbdCommand command = request.command();
        if (command.changes() && !writable && !(command == NbdCommand.TRIM && trims)) {
            return RequestVerdict.UNWRITABLE;
        }
        if (!isOffered(command)) {
            return RequestVerdict.UNSUPPORTED;
        }
        if ((request.flags() & ~(NbdRequest.FLAG_FUA | ownFlags(command))) != 0) {
            return RequestVerdict.BAD_FLAGS;
        }
        if (command == NbdCommand.FLUSH || command == NbdCommand.DISC) {
            return RequestVerdict.SERVE;
        }
        if (!request.isWithin(sizeBytes)) {
            return command == NbdCommand.WRITE || command == NbdCommand.WRITE_ZEROES
                    ? RequestVerdict.NO_SPACE
                    : RequestVerdict.BEYOND_END;
        }
        if (request.lengthBytes() == 0) {
            return command == NbdCommand.BLOCK_STATUS ? RequestVerdict.NO_RANGE : RequestVerdict.EMPTY;
        }
        return length(request);
    }

    private static RequestVerdict length(NbdRequest request) {
        boolean reads = request.command() == NbdCommand.READ || request.command() == NbdCommand.CACHE;
        if (reads && request.lengthBytes() > NbdLimits.REQUEST_BYTES_MAX) {
            return RequestVerdict.TOO_LONG;
        }
        return request.has(NbdRequest.FLAG_DF) && request.lengthBytes() > NbdLimits.UNFRAGMENTED_BYTES_MAX
                ? RequestVerdict.TOO_LONG_FOR_ONE_CHUNK
                : RequestVerdict.SERVE;
    }

    private boolean isOffered(NbdCommand command) {
        return switch (command) {
            case READ, WRITE, DISC, FLUSH, BLOCK_STATUS -> true;
            case TRIM -> trims;
            case CACHE -> caches;
            case WRITE_ZEROES -> zeroes;
            case UNKNOWN -> false;
        };
    }

    private int ownFlags(NbdCommand command) {
        return switch (command) {
            case READ -> style == ReplyStyle.SIMPLE ? 0 : NbdRequest.FLAG_DF;
            case WRITE -> style == ReplyStyle.EXTENDED ? NbdRequest.FLAG_PAYLOAD_LEN : 0;
            case WRITE_ZEROES -> NbdRequest.FLAG_NO_HOLE | (zeroesFast ? NbdRequest.FLAG_FAST_ZERO : 0);
            case BLOCK_STATUS -> NbdRequest.FLAG_REQ_ONE;
            case DISC, FLUSH, TRIM, CACHE, UNKNOWN -> 0;
        };
    }
}
