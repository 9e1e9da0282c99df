package io.varve.capture.nbd;

import io.varve.formats.nbd.NbdAddress;
import io.varve.transfer.nbd.NbdSockets;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.HexFormat;

/** A client that sends any bytes, and reads whole messages. */
final class RawClient implements AutoCloseable {
    static final String MAGIC = "49484156454f5054";
    static final String FLAGS = "00000003";
    static final String DRIVE = "00000006" + "647269766530";
    static final String BASE = "00000001" + "0000000f" + "626173653a616c6c6f636174696f6e";
    static final int NONE = 0;
    static final int DATA = 1;
    static final int HOLE = 2;
    static final int STATUS = 5;
    static final int STATUS_EXT = 6;
    static final int ERROR = 0x8001;
    static final int ERROR_OFFSET = 0x8002;
    static final int EPERM = 1;
    static final int EIO = 5;
    static final int EINVAL = 22;
    static final int ENOSPC = 28;
    static final int EOVERFLOW = 75;

    /** How requests and replies look. */
    enum Style {
        SIMPLE,
        STRUCTURED,
        EXTENDED
    }

    /** A reply, or a chunk of one; a simple reply counts as a chunk that's the last. */
    record Chunk(int type, boolean last, long cookie, ByteBuffer payload) {
        int error() {
            return type == NONE ? 0 : payload.getInt(0);
        }
    }

    private final SocketChannel channel;
    private Style style = Style.SIMPLE;

    private RawClient(SocketChannel channel) {
        this.channel = channel;
    }

    /** Connects and reads the greeting. */
    static RawClient connect(NbdAddress address) throws IOException {
        RawClient client = new RawClient(NbdSockets.connect(address, Duration.ofSeconds(5)));
        client.receive(18);
        return client;
    }

    /** Enters {@code drive0}, with {@code base:allocation} where the style has contexts. */
    static RawClient enter(NbdAddress address, Style style) throws IOException {
        RawClient client = connect(address);
        client.send(FLAGS);
        if (style != Style.SIMPLE) {
            client.option(style == Style.STRUCTURED ? 8 : 11, "");
            client.option(10, DRIVE + BASE);
        }
        if (client.option(7, DRIVE + "0000") != 1) {
            throw new IOException("the export can't be entered");
        }
        client.style = style;
        return client;
    }

    /** Sends an option, and reads its replies: the type of the last. */
    int option(int code, String payloadHex) throws IOException {
        send(MAGIC + "%08x%08x".formatted(code, payloadHex.length() / 2) + payloadHex);
        while (true) {
            ByteBuffer head = receive(20);
            receive(head.getInt(16));
            int type = head.getInt(12);
            if (type == 1 || type < 0) {
                return type;
            }
        }
    }

    /** Sends a request with a cookie of 7, and what follows it. */
    void request(int flags, int command, long offsetBytes, long lengthBytes, byte... payload) throws IOException {
        boolean extended = style == Style.EXTENDED;
        ByteBuffer out = ByteBuffer.allocate((extended ? 32 : 28) + payload.length);
        out.putInt(extended ? 0x21e41c71 : 0x25609513).putShort((short) flags).putShort((short) command);
        out.putLong(7).putLong(offsetBytes);
        if (extended) {
            out.putLong(lengthBytes);
        } else {
            out.putInt((int) lengthBytes);
        }
        send(out.put(payload).flip());
    }

    /** Reads a chunk; one without the right magic fails. */
    Chunk chunk() throws IOException {
        return switch (style) {
            case SIMPLE -> {
                ByteBuffer head = receive(16);
                expect(0x67446698, head.getInt(0));
                boolean failed = head.getInt(4) != 0;
                yield new Chunk(failed ? ERROR : NONE, true, head.getLong(8), head.slice(4, 4));
            }
            case STRUCTURED -> {
                ByteBuffer head = receive(20);
                expect(0x668e33ef, head.getInt(0));
                yield new Chunk(
                        head.getShort(6) & 0xffff, head.getShort(4) == 1, head.getLong(8), receive(head.getInt(16)));
            }
            case EXTENDED -> {
                ByteBuffer head = receive(32);
                expect(0x6e8a278c, head.getInt(0));
                yield new Chunk(head.getShort(6) & 0xffff, head.getShort(4) == 1, head.getLong(8), receive((int)
                        head.getLong(24)));
            }
        };
    }

    /** The error of a request's only chunk; 0 for success. */
    int errorOf(int flags, int command, long offsetBytes, long lengthBytes) throws IOException {
        request(flags, command, offsetBytes, lengthBytes);
        return chunk().error();
    }

    private static void expect(int expected, int actual) throws IOException {
        if (expected != actual) {
            throw new IOException("magic 0x%08x, expected 0x%08x".formatted(actual, expected));
        }
    }

    void send(String hex) throws IOException {
        send(ByteBuffer.wrap(HexFormat.of().parseHex(hex)));
    }

    private void send(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    ByteBuffer receive(int lengthBytes) throws IOException {
        ByteBuffer in = ByteBuffer.allocate(lengthBytes);
        while (in.hasRemaining()) {
            if (channel.read(in) < 0) {
                throw new IOException("the server closed the connection after " + in.position() + " bytes");
            }
        }
        return in.flip();
    }

    /** Waits for the server to close: how many bytes came before, a reset being an end, too. */
    int awaitEnd() {
        ByteBuffer in = ByteBuffer.allocate(1 << 16);
        int total = 0;
        try {
            for (int count = 0; count >= 0; count = channel.read(in.clear())) {
                total += count;
            }
        } catch (IOException e) {
            return total;
        }
        return total;
    }

    /** Waits for the threads of a server that was closed: those of late replies end just behind their connection's. */
    static void assertNoThreadIsLeft() throws InterruptedException {
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().matches("nbd-\\d+.*") && !thread.join(Duration.ofSeconds(5))) {
                throw new AssertionError(thread + " is left");
            }
        }
    }

    void endOutput() throws IOException {
        channel.shutdownOutput();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
