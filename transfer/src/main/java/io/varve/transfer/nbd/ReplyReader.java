package io.varve.transfer.nbd;

import io.varve.formats.nbd.Decoding;
import io.varve.formats.nbd.NbdCommand;
import io.varve.formats.nbd.NbdLimits;
import io.varve.formats.nbd.NbdReply;
import io.varve.formats.nbd.StatusExtent;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/**
 * Receives replies and puts each where its request wants it.
 *
 * <p>Thread: the reader's only.
 */
final class ReplyReader {
    private static final int BUFFER_BYTES = 256 * 1024;
    private static final int DIRECT_BYTES = 32 * 1024;
    private static final int ERROR_HEAD_BYTES = 6;
    private static final int OFFSET_BYTES = 8;

    /** The requests that wait for their replies. */
    interface Requests {
        Optional<PendingRequest> find(long cookie);

        /** The reply is complete. */
        void finished(PendingRequest request);
    }

    private final Requests requests;
    private ByteChannel channel;
    private final ByteBuffer in = ByteBuffer.allocateDirect(BUFFER_BYTES).limit(0);

    ReplyReader(ByteChannel channel, Requests requests) {
        this.channel = channel;
        this.requests = requests;
    }

    /** What has been received and not yet consumed. */
    ByteBuffer buffer() {
        return in;
    }

    /** What comes from now on comes by {@code encrypted}. */
    void encrypt(ByteChannel encrypted) {
        channel = encrypted;
    }

    /** Reads replies until the connection fails or is closed, which throws. */
    void run() throws IOException {
        while (true) {
            switch (NbdReply.decode(in)) {
                case Decoding.NeedMore<NbdReply> _ -> receive();
                case Decoding.Malformed<NbdReply>(String reason) -> throw new IOException(reason);
                case Decoding.Decoded<NbdReply>(NbdReply reply) -> reply(reply);
            }
        }
    }

    /** Blocks until some bytes came. */
    void receive() throws IOException {
        in.compact();
        int count = channel.read(in);
        in.flip();
        if (count < 0) {
            throw new EOFException("the server closed the connection");
        }
    }

    private void reply(NbdReply reply) throws IOException {
        PendingRequest pending = requests.find(reply.cookie())
                .orElseThrow(() -> new IOException("a reply to a request that wasn't made"));
        switch (reply) {
            case NbdReply.Simple simple -> {
                if (simple.errorCode() != 0) {
                    pending.fail(simple.errorCode(), "");
                } else if (pending.request().command() == NbdCommand.READ) {
                    fill(pending.part(
                            pending.request().offsetBytes(), pending.request().lengthBytes()));
                }
                requests.finished(pending);
            }
            case NbdReply.Chunk chunk -> {
                chunk(pending, chunk);
                if (chunk.place() == NbdReply.Place.LAST) {
                    requests.finished(pending);
                }
            }
        }
    }

    private void chunk(PendingRequest pending, NbdReply.Chunk chunk) throws IOException {
        switch (chunk.type()) {
            case NONE -> expect(chunk, chunk.lengthBytes() == 0);
            case OFFSET_DATA -> {
                expect(chunk, chunk.lengthBytes() > OFFSET_BYTES);
                long offsetBytes = payload(OFFSET_BYTES).getLong();
                fill(pending.part(offsetBytes, chunk.lengthBytes() - OFFSET_BYTES));
            }
            case OFFSET_HOLE -> {
                expect(chunk, chunk.lengthBytes() == OFFSET_BYTES + 4);
                ByteBuffer hole = payload(OFFSET_BYTES + 4);
                zero(pending.part(hole.getLong(), Integer.toUnsignedLong(hole.getInt())));
            }
            case BLOCK_STATUS -> {
                expect(chunk, chunk.lengthBytes() >= 4);
                status(pending, chunk);
            }
            case ERROR, ERROR_OFFSET, OTHER_ERROR -> {
                expect(
                        chunk,
                        chunk.lengthBytes() >= ERROR_HEAD_BYTES && chunk.lengthBytes() <= NbdLimits.OPTION_BYTES_MAX);
                error(pending, payload((int) chunk.lengthBytes()));
            }
            case BLOCK_STATUS_EXT, OTHER -> expect(chunk, false);
        }
    }

    private static void error(PendingRequest pending, ByteBuffer payload) {
        int code = payload.getInt();
        int textBytes = Math.min(payload.getShort() & 0xffff, payload.remaining());
        byte[] text = new byte[textBytes];
        payload.get(text);
        pending.fail(code, new String(text, StandardCharsets.UTF_8));
    }

    private void status(PendingRequest pending, NbdReply.Chunk chunk) throws IOException {
        expect(chunk, chunk.lengthBytes() <= 4 + 8L * NbdLimits.STATUS_EXTENTS_MAX);
        ByteBuffer payload = ByteBuffer.allocate((int) chunk.lengthBytes());
        fill(payload);
        payload.flip();
        int contextId = payload.getInt();
        switch (StatusExtent.decodeAll(payload)) {
            case Decoding.Decoded<List<StatusExtent>>(List<StatusExtent> extents) -> pending.status(contextId, extents);
            case Decoding.NeedMore<List<StatusExtent>> _ -> expect(chunk, false);
            case Decoding.Malformed<List<StatusExtent>>(String reason) -> throw new IOException(reason);
        }
    }

    private static void expect(NbdReply.Chunk chunk, boolean sound) throws IOException {
        if (!sound) {
            throw new IOException("a chunk of type " + chunk.type() + " with " + chunk.lengthBytes() + " bytes");
        }
    }

    /** The next bytes, which fit in the buffer; valid until more is received. */
    private ByteBuffer payload(int lengthBytes) throws IOException {
        while (in.remaining() < lengthBytes) {
            receive();
        }
        ByteBuffer payload = in.slice(in.position(), lengthBytes);
        in.position(in.position() + lengthBytes);
        return payload;
    }

    private void fill(ByteBuffer into) throws IOException {
        while (into.hasRemaining()) {
            int buffered = Math.min(in.remaining(), into.remaining());
            if (buffered > 0) {
                into.put(in.slice(in.position(), buffered));
                in.position(in.position() + buffered);
            } else if (into.remaining() < DIRECT_BYTES) {
                receive();
            } else if (channel.read(into) < 0) {
                throw new EOFException("the server closed the connection");
            }
        }
    }

    private static void zero(ByteBuffer part) {
        while (part.remaining() >= Long.BYTES) {
            part.putLong(0);
        }
        while (part.hasRemaining()) {
            part.put((byte) 0);
        }
    }
}
