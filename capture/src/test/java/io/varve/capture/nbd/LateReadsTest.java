package io.varve.capture.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.backend.ZeroMode;
import io.varve.formats.nbd.NbdAddress;
import io.varve.formats.nbd.NbdUri;
import io.varve.formats.nbd.StatusExtent;
import io.varve.formats.nbd.TransmissionFlag;
import io.varve.transfer.nbd.Durability;
import io.varve.transfer.nbd.NbdClient;
import io.varve.transfer.nbd.NbdClientOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Reads that would wait for a device: many at once, answered as they end, while one held write keeps each from being
 * alone.
 */
@Timeout(60)
class LateReadsTest {
    private static final int KIB = 1 << 10;
    private static final int MIB = 1 << 20;

    /** Its first MiB is in memory; a read elsewhere waits until the test lets it go. */
    private static final class ColdExport implements Export {
        final BlockingQueue<Completion> writes = new LinkedBlockingQueue<>();
        final BlockingQueue<Long> begun = new LinkedBlockingQueue<>();
        final Map<Long, CountDownLatch> held = new ConcurrentHashMap<>();
        final Map<Long, Thread> readers = new ConcurrentHashMap<>();
        volatile long brokenFromBytes = Long.MAX_VALUE;

        void letGo(long offsetBytes) {
            latch(offsetBytes).countDown();
        }

        private CountDownLatch latch(long offsetBytes) {
            return held.computeIfAbsent(offsetBytes, _ -> new CountDownLatch(1));
        }

        @Override
        public long sizeBytes() {
            return 64 * MIB;
        }

        @Override
        public Set<TransmissionFlag> flags() {
            return TransmissionFlag.WRITABLE;
        }

        @Override
        public List<String> metaContexts() {
            return List.of();
        }

        @Override
        public void read(long offsetBytes, ByteBuffer into) throws IOException {
            if (offsetBytes >= MIB) {
                readers.put(offsetBytes, Thread.currentThread());
                begun.add(offsetBytes);
                await(latch(offsetBytes));
            }
            if (offsetBytes >= brokenFromBytes) {
                throw new IOException("nothing can be read at " + offsetBytes);
            }
            fill(offsetBytes, into);
        }

        @Override
        public boolean readAtOnce(long offsetBytes, ByteBuffer into) {
            if (offsetBytes < MIB) {
                fill(offsetBytes, into);
            }
            return offsetBytes < MIB;
        }

        private static void fill(long offsetBytes, ByteBuffer into) {
            while (into.hasRemaining()) {
                into.put((byte) (offsetBytes / (256 * KIB) + 1));
            }
        }

        private static void await(CountDownLatch latch) throws IOException {
            try {
                latch.await();
            } catch (InterruptedException e) {
                throw new IOException("interrupted", e);
            }
        }

        @Override
        public void write(long offsetBytes, ByteBuffer data, Completion completion) {
            writes.add(completion);
        }

        @Override
        public void writeZeroes(long offsetBytes, long lengthBytes, ZeroMode mode, Completion completion) {
            completion.done();
        }

        @Override
        public void trim(long offsetBytes, long lengthBytes, Completion completion) {
            completion.done();
        }

        @Override
        public void flush(Completion completion) {
            completion.done();
        }

        @Override
        public List<StatusExtent> blockStatus(String context, long offsetBytes, long lengthBytes, int extentsMax) {
            return List.of();
        }
    }

    private final ColdExport export = new ColdExport();
    private final ExportRegistry exports = new ExportRegistry();
    private final NbdServer server = new NbdServer(exports, NbdServerOptions.DEFAULT);
    private NbdClient client;

    @BeforeEach
    void connectAndHoldAWrite() throws Exception {
        exports.add("cold", export);
        NbdAddress address = server.listen(new NbdAddress.Tcp("127.0.0.1", 0));
        NbdClientOptions options = new NbdClientOptions(Duration.ofSeconds(10), Duration.ofSeconds(30), 1000);
        client = NbdClient.connect(new NbdUri(address, "cold"), List.of(), options);
        CompletableFuture<Void> _ = client.writeAsync(0, ByteBuffer.allocate(512), Durability.CACHED);
        export.writes.add(export.writes.take());
        // The write counts as late once the thread has gone on to this.
        client.read(0, ByteBuffer.allocate(512));
    }

    @AfterEach
    void disconnect() {
        export.writes.forEach(Completion::done);
        client.close();
        server.close();
    }

    @Test
    void shouldAnswerReadsInTheOrderInWhichTheyEnd() throws Exception {
        List<CompletableFuture<Void>> reads = new ArrayList<>();
        for (int i = 1; i <= 8; i++) {
            reads.add(client.readAsync((long) i * MIB, ByteBuffer.allocate(4096)));
        }
        for (int i = 0; i < 8; i++) {
            export.begun.take();
        }

        export.letGo(8L * MIB);
        reads.get(7).get();
        client.read(0, ByteBuffer.allocate(4096));

        assertFalse(reads.getFirst().isDone());
        for (int i = 1; i <= 7; i++) {
            export.letGo((long) i * MIB);
        }
        CompletableFuture.allOf(reads.toArray(new CompletableFuture<?>[0])).get();
    }

    @Test
    void shouldReadTheRestOfALongReadLate() throws Exception {
        ByteBuffer into = ByteBuffer.allocate(MIB);
        for (int piece = 4; piece < 6; piece++) {
            export.letGo(piece * 256L * KIB);
        }

        // Two pieces are in memory, two aren't.
        client.readAsync(512 * KIB, into).get();

        for (int at = 0; at < MIB; at++) {
            assertEquals(3 + at / (256 * KIB), into.get(at), "at " + at);
        }
        assertEquals(List.of(4 * 256L * KIB, 5 * 256L * KIB), List.copyOf(export.begun));
    }

    @Test
    void shouldTellTheFailureOfALateRead() {
        export.brokenFromBytes = 2 * MIB;
        export.letGo(2 * MIB);

        CompletableFuture<Void> read = client.readAsync(2 * MIB, ByteBuffer.allocate(4096));

        ExecutionException e = assertThrows(ExecutionException.class, read::get);
        assertTrue(String.valueOf(e.getMessage()).contains("nothing can be read at 2097152"), e.toString());
    }

    @Test
    void shouldAnswerMoreReadsThanItHasThreadsFor() throws Exception {
        List<CompletableFuture<Void>> reads = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            long offsetBytes = MIB + i * 4096L;
            export.letGo(offsetBytes);
            reads.add(client.readAsync(offsetBytes, ByteBuffer.allocate(4096)));
        }

        CompletableFuture.allOf(reads.toArray(new CompletableFuture<?>[0])).get();

        assertEquals(300, export.begun.size());
    }

    @Test
    void shouldLeaveNoReaderBehindWhenTheClientGoes() throws Exception {
        CompletableFuture<Void> read = client.readAsync(3 * MIB, ByteBuffer.allocate(4096));
        export.begun.take();
        Thread reader = Optional.ofNullable(export.readers.get(3L * MIB)).orElseThrow();

        client.close();
        export.letGo(3L * MIB);
        reader.join();

        assertThrows(ExecutionException.class, read::get);
    }
}
