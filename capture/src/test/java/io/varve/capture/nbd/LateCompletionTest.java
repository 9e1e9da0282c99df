package io.varve.capture.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.backend.ZeroMode;
import io.varve.formats.nbd.NbdAddress;
import io.varve.formats.nbd.NbdError;
import io.varve.formats.nbd.NbdUri;
import io.varve.formats.nbd.StatusExtent;
import io.varve.formats.nbd.TransmissionFlag;
import io.varve.transfer.nbd.Durability;
import io.varve.transfer.nbd.NbdClient;
import io.varve.transfer.nbd.NbdClientOptions;
import io.varve.transfer.nbd.NbdException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** An export that answers when the test says so: replies are sent then, and not before. */
@Timeout(60)
class LateCompletionTest {
    private static final int MIB = 1 << 20;

    /** Something that the export was asked for, to be completed by the test. */
    private record Asked(String what, Completion completion) {}

    private static final class HeldExport implements Export {
        final BlockingQueue<Asked> asked = new LinkedBlockingQueue<>();

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
            if (offsetBytes >= 32 * MIB) {
                throw new IOException("nothing can be read at " + offsetBytes);
            }
            while (into.hasRemaining()) {
                into.put((byte) 7);
            }
        }

        @Override
        public void write(long offsetBytes, ByteBuffer data, Completion completion) {
            asked.add(new Asked("write " + offsetBytes + " " + data.remaining(), completion));
        }

        @Override
        public void writeZeroes(long offsetBytes, long lengthBytes, ZeroMode mode, Completion completion) {
            asked.add(new Asked("zero " + mode, completion));
        }

        @Override
        public void trim(long offsetBytes, long lengthBytes, Completion completion) {
            asked.add(new Asked("trim", completion));
        }

        @Override
        public void flush(Completion completion) {
            asked.add(new Asked("flush", completion));
        }

        @Override
        public List<StatusExtent> blockStatus(String context, long offsetBytes, long lengthBytes, int extentsMax) {
            return List.of();
        }
    }

    private final HeldExport export = new HeldExport();
    private final ExportRegistry exports = new ExportRegistry();
    private final NbdServer server = new NbdServer(exports, NbdServerOptions.DEFAULT);
    private NbdClient client;

    @BeforeEach
    void connect() throws IOException {
        exports.add("held", export);
        NbdAddress address = server.listen(new NbdAddress.Tcp("127.0.0.1", 0));
        NbdClientOptions options = new NbdClientOptions(Duration.ofSeconds(10), Duration.ofSeconds(30), 1000);
        client = NbdClient.connect(new NbdUri(address, "held"), List.of(), options);
    }

    @AfterEach
    void disconnect() {
        client.close();
        // What a test left unanswered would hold up the connection's end.
        export.asked.forEach(held -> held.completion().done());
        server.close();
    }

    @Test
    void shouldAnswerReadsWhileAWriteIsHeld() throws Exception {
        CompletableFuture<Void> write = client.writeAsync(0, ByteBuffer.allocate(512), Durability.CACHED);
        Asked held = export.asked.take();

        client.read(0, ByteBuffer.allocate(4096));
        boolean early = write.isDone();
        held.completion().done();

        write.get();
        assertTrue(!early);
        assertEquals("write 0 512", held.what());
    }

    @Test
    void shouldFlushAfterAWriteWithFuaAndAnswerThen() throws Exception {
        CompletableFuture<Void> write = client.writeAsync(0, ByteBuffer.allocate(512), Durability.DURABLE);
        export.asked.take().completion().done();
        Asked flush = export.asked.take();
        client.read(0, ByteBuffer.allocate(512));
        boolean early = write.isDone();

        flush.completion().done();

        write.get();
        assertTrue(!early);
        assertEquals("flush", flush.what());
    }

    @Test
    void shouldNotFlushAfterAWriteThatFailed() throws Exception {
        CompletableFuture<Void> write = client.writeAsync(0, ByteBuffer.allocate(512), Durability.DURABLE);

        export.asked.take().completion().failed(NbdError.ENOSPC, "the disk is full");

        ExecutionException e = assertThrows(ExecutionException.class, write::get);
        assertTrue(e.toString().contains("ENOSPC, the disk is full"), e.toString());
        assertTrue(export.asked.isEmpty());
    }

    @Test
    void shouldAnswerALongWriteWhenAllItsPiecesAreDone() throws Exception {
        CompletableFuture<Void> write = client.writeAsync(512, ByteBuffer.allocate(MIB + 100), Durability.CACHED);
        List<Asked> pieces = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            pieces.add(export.asked.take());
        }

        for (Asked piece : pieces.reversed().subList(0, 4)) {
            piece.completion().done();
        }
        client.read(0, ByteBuffer.allocate(512));
        boolean early = write.isDone();
        pieces.getFirst().completion().failed(NbdError.EIO, "a bad sector");

        ExecutionException e = assertThrows(ExecutionException.class, write::get);
        assertTrue(!early && e.toString().contains("a bad sector"), e.toString());
        assertEquals("write 512 262144", pieces.getFirst().what());
        assertEquals("write " + (512 + MIB) + " 100", pieces.getLast().what());
    }

    @Test
    void shouldBoundWhatIsUnanswered() throws Exception {
        List<CompletableFuture<Void>> writes = new ArrayList<>();
        for (int i = 0; i < 900; i++) {
            writes.add(client.writeAsync(0, ByteBuffer.allocate(512), Durability.CACHED));
        }
        List<Asked> held = new ArrayList<>();
        for (int i = 0; i < 257; i++) {
            held.add(export.asked.take());
        }

        // The connection waits now: the next request comes only after one was answered.
        assertTrue(export.asked.isEmpty());
        held.getFirst().completion().done();
        writes.getFirst().get();
        held.add(export.asked.take());
        held.stream().skip(1).forEach(asked -> asked.completion().done());
        for (int answered = 258; answered < 900; answered++) {
            export.asked.take().completion().done();
        }

        CompletableFuture.allOf(writes.toArray(CompletableFuture[]::new)).get();
        assertTrue(export.asked.isEmpty());
    }

    @Test
    void shouldPassTheModesOfZeroing() throws Exception {
        CompletableFuture<Void> done = CompletableFuture.runAsync(() -> {
            try {
                export.asked.take().completion().done();
                export.asked.take().completion().done();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });

        client.writeZeroes(0, 3L * MIB, Durability.CACHED);
        client.trim(0, 3L * MIB, Durability.CACHED);

        done.get();
    }

    @Test
    void shouldFailAReadInTheMiddleAndGoOn() throws Exception {
        NbdException e = assertThrows(NbdException.class, () -> client.read(31L * MIB, ByteBuffer.allocate(2 * MIB)));

        assertTrue(e.toString().contains("EIO, nothing can be read at 33554432"), e.toString());
        client.read(0, ByteBuffer.allocate(512));
    }

    @Test
    void shouldAnswerWhatIsHeldBeforeItShutsDown() throws Exception {
        CompletableFuture<Void> write = client.writeAsync(0, ByteBuffer.allocate(512), Durability.CACHED);
        Asked held = export.asked.take();

        CompletableFuture<Void> closed = CompletableFuture.runAsync(server::close);
        held.completion().done();

        write.get();
        closed.get();
        assertThrows(IOException.class, () -> client.read(0, ByteBuffer.allocate(512)));
    }

    @Test
    void shouldRefuseASecondAnswer() throws Exception {
        CompletableFuture<Void> write = client.writeAsync(0, ByteBuffer.allocate(512), Durability.CACHED);
        Completion completion = export.asked.take().completion();
        client.read(0, ByteBuffer.allocate(512));
        completion.done();
        write.get();

        assertThrows(IllegalStateException.class, completion::done);
    }
}
