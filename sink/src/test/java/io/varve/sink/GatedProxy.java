package io.varve.sink;

import io.varve.core.drive.SyncPointMark.SnapshotExport;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;

/** Stands before a snapshot's server, and lets as many of its bytes pass as it's told. */
final class GatedProxy implements AutoCloseable {
    private static final int CHUNK_BYTES = 64 * 1024;
    private static final int OPEN_CHUNKS = 1 << 24;

    private final SnapshotServer server;
    private final ServerSocketChannel listener;
    private final List<ByteChannel> channels = new CopyOnWriteArrayList<>();

    /** Chunks that may pass. */
    private final Semaphore chunks = new Semaphore(0);

    private GatedProxy(SnapshotServer server, ServerSocketChannel listener) {
        this.server = server;
        this.listener = listener;
    }

    static GatedProxy start(SnapshotServer server) throws IOException {
        ServerSocketChannel listener =
                ServerSocketChannel.open().bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        GatedProxy proxy = new GatedProxy(server, listener);
        Thread.ofPlatform().daemon().name("gate").start(proxy::accept);
        return proxy;
    }

    SnapshotExport export() throws IOException {
        int port = ((InetSocketAddress) listener.getLocalAddress()).getPort();
        return new SnapshotExport("127.0.0.1:" + port, server.export().name());
    }

    /** Lets about so many further bytes pass. */
    void admit(long bytes) {
        chunks.release((int) (bytes / CHUNK_BYTES));
    }

    /** Lets all pass. */
    void open() {
        chunks.release(OPEN_CHUNKS);
    }

    private void accept() {
        try {
            while (true) {
                SocketChannel client = listener.accept();
                SocketChannel upstream = SocketChannel.open(StandardProtocolFamily.UNIX);
                channels.addAll(List.of(client, upstream));
                upstream.connect(UnixDomainSocketAddress.of(server.socket()));
                Thread.ofPlatform().daemon().name("gate-up").start(() -> pass(client, upstream, false));
                Thread.ofPlatform().daemon().name("gate-down").start(() -> pass(upstream, client, true));
            }
        } catch (IOException e) {
            closeAll();
        }
    }

    private void pass(SocketChannel from, SocketChannel to, boolean gated) {
        ByteBuffer chunk = ByteBuffer.allocate(CHUNK_BYTES);
        try (from;
                to) {
            while (from.read(chunk.clear()) >= 0) {
                // What's small is the handshake, or an answer without data.
                if (gated && chunk.position() >= CHUNK_BYTES / 2) {
                    chunks.acquireUninterruptibly();
                }
                chunk.flip();
                while (chunk.hasRemaining()) {
                    to.write(chunk);
                }
            }
        } catch (IOException e) {
            closeAll(List.of(from, to));
        }
    }

    private void closeAll() {
        closeAll(channels);
    }

    private static void closeAll(List<? extends ByteChannel> all) {
        for (ByteChannel channel : all) {
            try {
                channel.close();
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    @Override
    public void close() throws IOException {
        listener.close();
        closeAll();
        open();
    }
}
