package io.varve.capture.nbd;

import io.varve.capture.backend.ZeroMode;
import io.varve.formats.nbd.Decoding;
import io.varve.formats.nbd.NbdError;
import io.varve.formats.nbd.NbdLimits;
import io.varve.formats.nbd.NbdRequest;
import io.varve.formats.nbd.NbdSession;
import io.varve.formats.nbd.ReplyEncoder;
import io.varve.formats.nbd.TransmissionFlag;
import java.io.IOException;
import java.nio.ByteBuffer;

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
        this.slot = new RequestSlot(lateReplies);
    }

    /** What answers requests that the connection's thread doesn't wait for. */
    record Late(LateReplies replies, LateReads reads) {}

    /** Serves until the client disconnects. */
    void run() throws IOException {
        boolean connected = true;
        while (connected) {
            connected = switch (NbdRequest.decode(inbox.buffer())) {
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
        switch (request.command()) {
            case READ -> {
                if (isInBounds(request, NbdError.EINVAL) && isShort(request)) {
                    read(request);
                }
            }
            case WRITE -> write(request);
            case DISC -> {
                return false;
            }
            case FLUSH -> {
                export.flush(slot.begin(request, isAlone()));
                settle();
            }
            case TRIM -> {
                if (isChange(request)) {
                    export.trim(request.offsetBytes(), request.lengthBytes(), completion(request));
                    settle();
                }
            }
            case WRITE_ZEROES -> {
                if (isChange(request)) {
                    export.writeZeroes(
                            request.offsetBytes(), request.lengthBytes(), zeroMode(request), completion(request));
                    settle();
                }
            }
            case BLOCK_STATUS -> {
                if (isInBounds(request, NbdError.EINVAL)) {
                    readReplies.blockStatus(request);
                }
            }
            case CACHE, UNKNOWN -> refuse(request, NbdError.EINVAL, "the command isn't supported");
        }
        return true;
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
            lateReads.read(request.from(doneBytes));
        }
    }

    private void write(NbdRequest request) throws IOException {
        if (request.lengthBytes() > NbdLimits.REQUEST_BYTES_MAX) {
            throw new PeerFaultException("a write of " + request.lengthBytes() + " bytes, at most "
                    + NbdLimits.REQUEST_BYTES_MAX + " are accepted");
        }
        int lengthBytes = (int) request.lengthBytes();
        if (!isChange(request)) {
            discardPayload(lengthBytes);
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
            slot.encode(session.replies(), outbox.room(ReplyEncoder.ERROR_BYTES_MAX));
            return;
        }
        RequestSlot late = slot;
        slot = new RequestSlot(lateReplies);
        lateReplies.expect(late);
        outbox.flush();
        lateReplies.awaitRoom();
    }

    /** Whether a change may go to the export; if not, it's answered. An empty one is done already. */
    private boolean isChange(NbdRequest request) throws IOException {
        if (export.flags().contains(TransmissionFlag.READ_ONLY)) {
            refuse(request, NbdError.EPERM, "the export is read-only");
            return false;
        }
        return isInBounds(request, NbdError.ENOSPC);
    }

    /** Whether there is something to do for the export; if not, the request is answered. */
    private boolean isInBounds(NbdRequest request, NbdError error) throws IOException {
        long sizeBytes = export.sizeBytes();
        if (!request.isWithin(sizeBytes)) {
            refuse(
                    request,
                    error,
                    request.command() + " of " + request.lengthBytes() + " bytes at "
                            + Long.toUnsignedString(request.offsetBytes()) + " of an export of " + sizeBytes);
            return false;
        }
        if (request.lengthBytes() == 0) {
            // The protocol leaves the meaning open; as with QEMU there is nothing to do, and that's done.
            slot.begin(request, isAlone()).done();
            settle();
            return false;
        }
        return true;
    }

    private boolean isShort(NbdRequest request) throws IOException {
        if (request.lengthBytes() > NbdLimits.REQUEST_BYTES_MAX) {
            refuse(
                    request,
                    NbdError.EINVAL,
                    "a read of " + request.lengthBytes() + " bytes, at most " + NbdLimits.REQUEST_BYTES_MAX
                            + " are accepted");
            return false;
        }
        return true;
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
