package io.varve.capture.nbd;

import io.varve.capture.backend.ZeroMode;
import io.varve.formats.nbd.Decoding;
import io.varve.formats.nbd.NbdCommand;
import io.varve.formats.nbd.NbdError;
import io.varve.formats.nbd.NbdLimits;
import io.varve.formats.nbd.NbdRequest;
import io.varve.formats.nbd.NbdSession;
import io.varve.formats.nbd.NegotiatedContext;
import io.varve.formats.nbd.ReplyEncoder;
import io.varve.formats.nbd.ReplyStyle;
import io.varve.formats.nbd.RequestRules;
import io.varve.formats.nbd.RequestVerdict;
import io.varve.formats.nbd.StatusPayload;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * The transmission phase of one connection: requests in, replies out.
 *
 * <p>Thread: the connection's only. Whatever can be answered at once is, and gathered; the replies go out when the
 * input is drained, so before the thread blocks.
 */
final class Transmission {
    /** Longer writes are given to the export in pieces of this. */
    private static final int PIECE_BYTES = 256 * 1024;

    /** While a write of so much is done, no reply is held back. */
    private static final int EAGER_BYTES = 32 * 1024;

    private final NbdSession session;
    private final Export export;
    private final Inbox inbox;
    private final Outbox outbox;
    private final LateReplies lateReplies;
    private final ReadReplies readReplies;
    private final RequestRules rules;
    private final ReplyEncoder encoder;
    private final LateReads lateReads;
    private RequestSlot slot;

    Transmission(NbdSession session, Export export, Inbox inbox, Outbox outbox, Late late) {
        this.session = session;
        this.export = export;
        this.inbox = inbox;
        this.outbox = outbox;
        this.lateReplies = late.replies();
        this.lateReads = late.reads();
        this.readReplies = new ReadReplies(session, export, outbox);
        this.rules = new RequestRules(session.replies(), session.export().flags());
        this.encoder = new ReplyEncoder(session.replies());
        this.slot = new RequestSlot(lateReplies);
    }

    /** What answers requests that the connection's thread doesn't wait for. */
    record Late(LateReplies replies, LateReads reads) {}

    /** Serves until the client disconnects. */
    void run() throws IOException {
        ReplyStyle style = session.replies();
        boolean connected = true;
        while (connected) {
            connected = switch (NbdRequest.decode(inbox.buffer(), style)) {
                case Decoding.Decoded<NbdRequest>(NbdRequest request) -> serve(request);
                case Decoding.NeedMore<NbdRequest> _ -> receive();
                case Decoding.Malformed<NbdRequest>(String reason) -> throw new PeerFaultException(reason);
            };
        }
        outbox.flush();
        lateReads.awaitAll();
        lateReplies.awaitAll();
    }

    private boolean receive() throws IOException {
        outbox.flush();
        return inbox.receive();
    }

    /** False when the client takes its leave. */
    private boolean serve(NbdRequest request) throws IOException {
        if (request.command() == NbdCommand.DISC) {
            return false;
        }
        long payloadBytes = rules.payloadBytes(request);
        if (payloadBytes != 0) {
            servePayload(request, payloadBytes);
        } else if (isAdmitted(request)) {
            perform(request);
        }
        return true;
    }

    private void perform(NbdRequest request) throws IOException {
        switch (request.command()) {
            case READ -> read(request);
            case CACHE -> cache(request);
            case BLOCK_STATUS -> blockStatus(request, session.contexts());
            case FLUSH -> {
                export.flush(slot.begin(request, isAlone()));
                settle();
            }
            case TRIM -> {
                export.trim(request.offsetBytes(), request.lengthBytes(), completion(request));
                settle();
            }
            case WRITE_ZEROES -> {
                export.writeZeroes(
                        request.offsetBytes(), request.lengthBytes(), zeroMode(request), completion(request));
                settle();
            }
            case WRITE, DISC, UNKNOWN -> throw new IllegalStateException(request.command() + " is served elsewhere");
        }
    }

    /** Whether the client waits for nothing else than the present request: nobody is kept waiting while it's done. */
    private boolean isAlone() {
        return !inbox.buffer().hasRemaining() && outbox.isEmpty() && lateReads.isIdle() && lateReplies.isIdle();
    }

    private void read(NbdRequest request) throws IOException {
        if (isAlone()) {
            readReplies.read(request);
            return;
        }
        long doneBytes = readReplies.readAtOnce(request);
        if (doneBytes < request.lengthBytes()) {
            outbox.flush();
            lateReads.read(request, doneBytes);
        }
    }

    private void cache(NbdRequest request) throws IOException {
        if (isAlone()) {
            readReplies.cache(request);
        } else {
            outbox.flush();
            lateReads.read(request, 0);
        }
    }

    /** Serves a request that has a payload, or drops the payload and answers why. */
    private void servePayload(NbdRequest request, long payloadBytes) throws IOException {
        if (Long.compareUnsigned(payloadBytes, NbdLimits.REQUEST_BYTES_MAX) > 0) {
            throw new PeerFaultException(request.command() + " with " + Long.toUnsignedString(payloadBytes)
                    + " bytes of payload, at most " + NbdLimits.REQUEST_BYTES_MAX + " are accepted");
        }
        int lengthBytes = (int) payloadBytes;
        if (request.command() == NbdCommand.WRITE) {
            write(request, lengthBytes);
        } else if (request.command() == NbdCommand.BLOCK_STATUS && lengthBytes <= StatusPayload.BYTES_MAX) {
            blockStatusOfSome(request, payload(lengthBytes));
        } else {
            discardPayload(lengthBytes);
            refuse(request, NbdError.EINVAL, request.command() + " with a payload that it doesn't take");
        }
    }

    private void write(NbdRequest request, int lengthBytes) throws IOException {
        RequestVerdict verdict = rules.judge(request, sizeBytes());
        if (verdict != RequestVerdict.SERVE) {
            discardPayload(lengthBytes);
            answer(request, verdict);
        } else if (lengthBytes <= PIECE_BYTES) {
            ByteBuffer data = payload(lengthBytes);
            if (lengthBytes >= EAGER_BYTES) {
                // The client goes on with what's done, meanwhile.
                outbox.flush();
            }
            export.write(request.offsetBytes(), data, completion(request));
            settle();
        } else {
            writePiecewise(request, lengthBytes);
        }
    }

    private void blockStatus(NbdRequest request, List<NegotiatedContext> contexts) throws IOException {
        if (contexts.isEmpty()) {
            refuse(request, NbdError.EINVAL, "BLOCK_STATUS without a meta context that was negotiated");
        } else {
            readReplies.blockStatus(request, contexts);
        }
    }

    private void blockStatusOfSome(NbdRequest request, ByteBuffer payload) throws IOException {
        if (!(StatusPayload.decode(payload)
                instanceof Decoding.Decoded<StatusPayload>(StatusPayload(long lengthBytes, List<Integer> ids)))) {
            refuse(request, NbdError.EINVAL, "BLOCK_STATUS with a malformed payload");
            return;
        }
        List<NegotiatedContext> contexts = session.contexts().stream()
                .filter(context -> ids.contains(context.id()))
                .toList();
        NbdRequest plain = new NbdRequest(
                request.flags() & ~NbdRequest.FLAG_PAYLOAD_LEN,
                request.command(),
                request.cookie(),
                request.offsetBytes(),
                lengthBytes);
        if (contexts.size() != ids.size()) {
            refuse(request, NbdError.EINVAL, "BLOCK_STATUS of a meta context that wasn't negotiated");
        } else if (isAdmitted(plain)) {
            blockStatus(plain, contexts);
        }
    }

    private void writePiecewise(NbdRequest request, int lengthBytes) throws IOException {
        PiecewiseWrite write = new PiecewiseWrite(completion(request));
        for (int doneBytes = 0; doneBytes < lengthBytes; ) {
            ByteBuffer piece = payload(Math.min(PIECE_BYTES, lengthBytes - doneBytes));
            int pieceBytes = piece.remaining();
            write.beginPiece();
            export.write(request.offsetBytes() + doneBytes, piece, write);
            doneBytes += pieceBytes;
        }
        write.allBegun();
        settle();
    }

    /** The next bytes of the input, {@code PIECE_BYTES} at most; valid until the next call. */
    private ByteBuffer payload(int lengthBytes) throws IOException {
        ByteBuffer buffer = inbox.buffer();
        while (buffer.remaining() < lengthBytes) {
            if (!receive()) {
                throw new PeerFaultException("the connection ended within a write's data");
            }
        }
        ByteBuffer data = buffer.slice(buffer.position(), lengthBytes);
        buffer.position(buffer.position() + lengthBytes);
        return data;
    }

    private void discardPayload(int lengthBytes) throws IOException {
        for (int left = lengthBytes; left > 0; ) {
            left -= payload(Math.min(PIECE_BYTES, left)).remaining();
        }
    }

    private Completion completion(NbdRequest request) {
        RequestSlot begun = slot.begin(request, isAlone());
        return request.has(NbdRequest.FLAG_FUA) ? new FlushAfter(export, begun) : begun;
    }

    /** Gathers the reply of the slot's request, or leaves it to the late ones. */
    private void settle() throws IOException {
        if (slot.isAnswered()) {
            slot.encode(encoder, outbox.room(ReplyEncoder.ERROR_BYTES_MAX));
            return;
        }
        RequestSlot late = slot;
        slot = new RequestSlot(lateReplies);
        lateReplies.expect(late);
        outbox.flush();
        lateReplies.awaitRoom();
    }

    /** Whether there is something to do for the export; if not, the request is answered. */
    private boolean isAdmitted(NbdRequest request) throws IOException {
        RequestVerdict verdict = rules.judge(request, sizeBytes());
        if (verdict != RequestVerdict.SERVE) {
            answer(request, verdict);
        }
        return verdict == RequestVerdict.SERVE;
    }

    /** What the client was told, or what's left of that: another size is for new connections. */
    private long sizeBytes() {
        return Math.min(session.export().sizeBytes(), export.sizeBytes());
    }

    private void answer(NbdRequest request, RequestVerdict verdict) throws IOException {
        if (verdict == RequestVerdict.EMPTY) {
            slot.begin(request, isAlone()).done();
            settle();
        } else {
            refuse(request, verdict.error(), verdict.reason(request, sizeBytes()));
        }
    }

    private void refuse(NbdRequest request, NbdError error, String reason) throws IOException {
        slot.begin(request, isAlone()).failed(error, reason);
        settle();
    }

    private static ZeroMode zeroMode(NbdRequest request) {
        boolean fast = request.has(NbdRequest.FLAG_FAST_ZERO);
        if (request.has(NbdRequest.FLAG_NO_HOLE)) {
            return fast ? ZeroMode.KEEP_ALLOCATED_FAST : ZeroMode.KEEP_ALLOCATED;
        }
        return fast ? ZeroMode.MAY_PUNCH_FAST : ZeroMode.MAY_PUNCH;
    }
}
