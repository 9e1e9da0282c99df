package io.varve.capture.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.Seeds;
import io.varve.formats.nbd.NbdAddress;
import io.varve.transfer.nbd.NbdSockets;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Inputs that clients might send, by seed: each is served within 50 ms of CPU and 5 s, ends with a client that's gone
 * or disconnected, and leaves nothing behind. {@code -Dvarve.fuzz.count=1000000} takes more than the usual 100,000.
 */
@Timeout(3600)
class NbdFuzzTest {
    private static final int COUNT = Integer.getInteger("varve.fuzz.count", 100_000);
    private static final int WARM_UP = 2_000;
    private static final int SIZE_BYTES = 1 << 18;
    private static final long CPU_NANOS_MAX = 50_000_000;
    private static final long WALL_NANOS_MAX = 5_000_000_000L;
    private static final long HEAP_BYTES_MAX = 16 << 20;
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    @TempDir
    private Path folder;

    private final ExportRegistry exports = new ExportRegistry();
    private final ConnectionLimits limits = new ConnectionLimits(2);

    /** A client that has sent all it will, and takes whatever comes. */
    private static final class Sent implements ByteChannel {
        private final ByteBuffer bytes;
        private final int pieceBytes;
        private boolean open = true;

        Sent(byte[] bytes, int pieceBytes) {
            this.bytes = ByteBuffer.wrap(bytes);
            this.pieceBytes = pieceBytes;
        }

        @Override
        public int read(ByteBuffer into) {
            int count = Math.min(Math.min(bytes.remaining(), into.remaining()), pieceBytes);
            into.put(bytes.slice(bytes.position(), count));
            bytes.position(bytes.position() + count);
            return count == 0 ? -1 : count;
        }

        @Override
        public int write(ByteBuffer from) {
            int count = from.remaining();
            from.position(from.limit());
            return count;
        }

        @Override
        public boolean isOpen() {
            return open;
        }

        @Override
        public void close() {
            open = false;
        }
    }

    @Test
    void shouldServeAnyInputWithinItsBounds() {
        FaultyExport export = new FaultyExport(SIZE_BYTES, SIZE_BYTES - 4096);
        exports.add("drive0", export, "a drive");
        for (int seed = 0; seed < WARM_UP; seed++) {
            serve(new SplittableRandom(seed));
        }
        assertTrue(export.asked() > WARM_UP, "only " + export.asked() + " requests went through: too few make sense");
        long before = usedBytes();

        Seeds.forEach(COUNT, this::serveWithinBounds);

        long grown = usedBytes() - before;
        assertTrue(grown < HEAP_BYTES_MAX, grown + " bytes more on the heap");
        for (int place = 0; place < limits.perExportMax(); place++) {
            assertTrue(limits.enter("drive0"), "a place is left taken");
        }
    }

    @Test
    void shouldServeAnyInputOverSockets() throws Exception {
        exports.add("drive0", new FaultyExport(SIZE_BYTES, SIZE_BYTES - 4096), "a drive");
        try (NbdServer server = new NbdServer(exports, NbdServerOptions.DEFAULT)) {
            NbdAddress address =
                    server.listen(new NbdAddress.Unix(folder.resolve("s").toString()));

            Seeds.forEach(COUNT / 50, random -> {
                long start = System.nanoTime();
                converse(address, FuzzInput.of(random));
                assertTrue(System.nanoTime() - start < WALL_NANOS_MAX, "it took longer than 5 s");
            });
        }
        RawClient.assertNoThreadIsLeft();
    }

    private void serveWithinBounds(SplittableRandom random) {
        long start = System.nanoTime();
        long cpu = serve(random);
        long wall = System.nanoTime() - start;
        assertTrue(cpu < CPU_NANOS_MAX, cpu + " ns of CPU");
        assertTrue(wall < WALL_NANOS_MAX, wall + " ns");
    }

    /** The CPU time that it takes. */
    private long serve(SplittableRandom random) {
        byte[] input = FuzzInput.of(random);
        Sent sent = new Sent(input, random.nextInt(4) == 0 ? 1 + random.nextInt(50) : Integer.MAX_VALUE);
        ConnectionDirectory directory = new ConnectionDirectory(exports, limits);
        Connection connection = new Connection(sent, Optional.empty(), "fuzz", directory, () -> {});
        long start = THREADS.getCurrentThreadCpuTime();
        try {
            connection.serve();
        } catch (PeerFaultException e) {
            assertTrue(String.valueOf(e.getMessage()).length() < 1000, "a long message");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        assertEquals(false, sent.isOpen());
        return THREADS.getCurrentThreadCpuTime() - start;
    }

    private static void converse(NbdAddress address, byte[] input) {
        try (SocketChannel channel = NbdSockets.connect(address, Duration.ofSeconds(5))) {
            Thread reader = Thread.ofVirtual().start(() -> readToEnd(channel));
            try {
                ByteBuffer bytes = ByteBuffer.wrap(input);
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
                channel.shutdownOutput();
            } catch (IOException e) {
                // The server has disconnected it already.
                assertTrue(channel.isOpen());
            }
            reader.join();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void readToEnd(SocketChannel channel) {
        ByteBuffer in = ByteBuffer.allocate(1 << 16);
        try {
            while (channel.read(in.clear()) >= 0) {
                Thread.onSpinWait();
            }
        } catch (IOException e) {
            // Closed with bytes unread, so the end comes as a reset.
            assertTrue(channel.isOpen());
        }
    }

    private static long usedBytes() {
        System.gc();
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }
}
