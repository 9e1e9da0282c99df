package io.varve.capture.nbd;

import io.varve.capture.backend.RequestFailedException;
import io.varve.formats.nbd.NbdError;
import io.varve.formats.nbd.NbdReply;
import io.varve.formats.nbd.NbdReply.Place;
import io.varve.formats.nbd.NbdRequest;
import io.varve.formats.nbd.NbdSession;
import io.varve.formats.nbd.NegotiatedContext;
import io.varve.formats.nbd.ReplyEncoder;
import io.varve.formats.nbd.ReplyStyle;
import io.varve.formats.nbd.StatusExtent;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Answers READ, CACHE and BLOCK_STATUS: the data is read right into the gathering buffer, behind its head.
 *
 * <p>Thread: the one that its outbox is for.
 */
final class ReadReplies {
    /** Longer reads are done in pieces of this. */
    static final int PIECE_BYTES = 256 * 1024;

    /** Of less it isn't asked whether it's a hole: a system call more would show. */
    private static final int HOLE_BYTES_MIN = 128 * 1024;

    private static final int STATUS_EXTENTS_MAX = 8192;

    /** More of an export isn't told about at once; extents have lengths of 32 bits. */
    private static final long STATUS_BYTES_MAX = 1L << 31;

    private static final MemorySegment ZEROES = MemorySegment.ofBuffer(ByteBuffer.allocateDirect(PIECE_BYTES));

    private final NbdSession session;
    private final Export export;
    private final Outbox outbox;
    private final ReplyEncoder encoder;

    ReadReplies(NbdSession session, Export export, Outbox outbox) {
        this.session = session;
        this.export = export;
        this.outbox = outbox;
        this.encoder = new ReplyEncoder(session.replies());
    }

    /** Answers a READ that lies within the export, isn't empty, and isn't too long. */
    void read(NbdRequest request) throws IOException {
        long _ = read(request, 0, Source.ANYHOW);
    }

    /**
     * As {@link #read}, but only what needs no device.
     *
     * @return the bytes that are answered, from the first; the rest is left to {@link #readRest}
     */
    long readAtOnce(NbdRequest request) throws IOException {
        return read(request, 0, Source.AT_ONCE);
    }

    /** Ends the answer of a READ whose first {@code doneBytes} are answered already, and sent. */
    void readRest(NbdRequest request, long doneBytes) throws IOException {
        long _ = read(request, (int) doneBytes, Source.ANYHOW);
    }

    /** How data gets into the reply. */
    private enum Source {
        /** What needs no device. */
        AT_ONCE,
        /** Whatever it takes; so whether there's a hole is looked up first, where that's less than to read it. */
        ANYHOW;

        /** False when it's for another thread. */
        boolean fill(Export export, long offsetBytes, ByteBuffer into) throws IOException {
            if (this == AT_ONCE) {
                return export.readAtOnce(offsetBytes, into);
            }
            export.read(offsetBytes, into);
            return true;
        }

        boolean isHole(Export export, long offsetBytes, int lengthBytes) throws IOException {
            return this == ANYHOW
                    && lengthBytes >= HOLE_BYTES_MIN
                    && export.zeroBytes(offsetBytes, lengthBytes) >= lengthBytes;
        }
    }

    private long read(NbdRequest request, int startBytes, Source source) throws IOException {
        if (session.replies() != ReplyStyle.SIMPLE) {
            return readStructured(request, startBytes, source);
        }
        if (request.lengthBytes() <= PIECE_BYTES) {
            return readSimple(request, source);
        }
        readLongSimple(request);
        return request.lengthBytes();
    }

    /** Chunks for what's behind {@code startBytes}; each repeats the request's own offset when it's extended. */
    private long readStructured(NbdRequest request, int startBytes, Source source) throws IOException {
        int lengthBytes = (int) request.lengthBytes();
        for (int doneBytes = startBytes; doneBytes < lengthBytes; ) {
            int pieceBytes = Math.min(PIECE_BYTES, lengthBytes - doneBytes);
            Place place = doneBytes + pieceBytes == lengthBytes ? Place.LAST : Place.MORE_FOLLOW;
            ByteBuffer out =
                    outbox.room(ReplyEncoder.DATA_HEAD_BYTES_MAX + Math.max(pieceBytes, ReplyEncoder.ERROR_BYTES_MAX));
            int start = out.position();
            long offsetBytes = request.offsetBytes() + doneBytes;
            encoder.data(out, place, request, offsetBytes, pieceBytes);
            boolean isHole;
            try {
                isHole = source.isHole(export, offsetBytes, pieceBytes);
                if (!isHole && !source.fill(export, offsetBytes, out.slice(out.position(), pieceBytes))) {
                    out.position(start);
                    return doneBytes;
                }
            } catch (IOException e) {
                encoder.failedAt(out.position(start), request, offsetBytes, errorOf(e), message(e));
                return lengthBytes;
            }
            if (isHole || isZero(out, pieceBytes)) {
                encoder.hole(out.position(start), place, request, offsetBytes, pieceBytes);
            } else {
                out.position(out.position() + pieceBytes);
            }
            doneBytes += pieceBytes;
            outbox.flushMuch();
        }
        return lengthBytes;
    }

    private long readSimple(NbdRequest request, Source source) throws IOException {
        int lengthBytes = (int) request.lengthBytes();
        ByteBuffer out = outbox.room(NbdReply.SIMPLE_HEADER_BYTES + lengthBytes);
        int start = out.position();
        encoder.done(out, request.cookie(), request.offsetBytes());
        try {
            if (!source.fill(export, request.offsetBytes(), out.slice(out.position(), lengthBytes))) {
                out.position(start);
                return 0;
            }
            out.position(out.position() + lengthBytes);
        } catch (IOException e) {
            encoder.failed(out.position(start), request.cookie(), request.offsetBytes(), errorOf(e), message(e));
        }
        return lengthBytes;
    }

    /** A simple reply's data can't be given up halfway: a failure after the first piece ends the connection. */
    private void readLongSimple(NbdRequest request) throws IOException {
        outbox.flush();
        outbox.beginLongMessage();
        try {
            int lengthBytes = (int) request.lengthBytes();
            NbdRequest first = new NbdRequest(
                    request.flags(), request.command(), request.cookie(), request.offsetBytes(), PIECE_BYTES);
            long _ = readSimple(first, Source.ANYHOW);
            if (outbox.room(0).position() <= NbdReply.SIMPLE_HEADER_BYTES) {
                return;
            }
            for (int doneBytes = PIECE_BYTES; doneBytes < lengthBytes; ) {
                int pieceBytes = Math.min(PIECE_BYTES, lengthBytes - doneBytes);
                ByteBuffer out = outbox.room(pieceBytes);
                export.read(request.offsetBytes() + doneBytes, out.slice(out.position(), pieceBytes));
                out.position(out.position() + pieceBytes);
                doneBytes += pieceBytes;
            }
            outbox.flush();
        } finally {
            outbox.endLongMessage();
        }
    }

    /** Reads what CACHE names, and drops it: the kernel keeps what it has room for. */
    void cache(NbdRequest request) throws IOException {
        int lengthBytes = (int) request.lengthBytes();
        ByteBuffer out = outbox.room(Math.min(PIECE_BYTES, lengthBytes));
        try {
            for (int doneBytes = 0; doneBytes < lengthBytes; ) {
                int pieceBytes = Math.min(PIECE_BYTES, lengthBytes - doneBytes);
                export.read(request.offsetBytes() + doneBytes, out.slice(out.position(), pieceBytes));
                doneBytes += pieceBytes;
            }
        } catch (IOException e) {
            error(request, errorOf(e), message(e));
            return;
        }
        encoder.done(outbox.room(ReplyEncoder.ERROR_BYTES_MAX), request.cookie(), request.offsetBytes());
    }

    /** Answers a BLOCK_STATUS that lies within the export, and isn't empty, about {@code contexts}. */
    void blockStatus(NbdRequest request, List<NegotiatedContext> contexts) throws IOException {
        long lengthBytes = Math.min(request.lengthBytes(), STATUS_BYTES_MAX);
        int extentsMax = request.has(NbdRequest.FLAG_REQ_ONE) ? 1 : STATUS_EXTENTS_MAX;
        List<List<StatusExtent>> statuses = new ArrayList<>();
        try {
            for (NegotiatedContext context : contexts) {
                statuses.add(export.blockStatus(context.name(), request.offsetBytes(), lengthBytes, extentsMax));
            }
        } catch (IOException e) {
            error(request, errorOf(e), message(e));
            return;
        }
        for (int i = 0; i < statuses.size(); i++) {
            List<StatusExtent> extents = statuses.get(i);
            encoder.blockStatus(
                    outbox.room(ReplyEncoder.blockStatusBytes(extents.size())),
                    i == statuses.size() - 1 ? Place.LAST : Place.MORE_FOLLOW,
                    request,
                    contexts.get(i).id(),
                    extents);
        }
    }

    private void error(NbdRequest request, NbdError error, String message) throws IOException {
        ByteBuffer out = outbox.room(ReplyEncoder.ERROR_BYTES_MAX);
        encoder.failed(out, request.cookie(), request.offsetBytes(), error, message);
    }

    private static boolean isZero(ByteBuffer out, int lengthBytes) {
        MemorySegment data = MemorySegment.ofBuffer(out.slice(out.position(), lengthBytes));
        return MemorySegment.mismatch(data, 0, lengthBytes, ZEROES, 0, lengthBytes) < 0;
    }

    private static NbdError errorOf(IOException e) {
        return RequestFailedException.errorOf(e);
    }

    private static String message(IOException e) {
        return String.valueOf(e.getMessage());
    }
}
