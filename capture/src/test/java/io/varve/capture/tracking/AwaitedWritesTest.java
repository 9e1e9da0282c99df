package io.varve.capture.tracking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.backend.ZeroMode;
import io.varve.capture.nbd.Completion;
import io.varve.capture.snapshot.Snapshot;
import io.varve.capture.snapshot.SnapshotRead;
import io.varve.formats.nbd.NbdError;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Writes of a client that waits for nothing else, while a snapshot must keep what they overwrite. */
@Timeout(60)
class AwaitedWritesTest {
    private static final int SIZE_BYTES = 1 << 20;

    @TempDir
    Path directory;

    private AgentFixture fixture;
    private WatchedBackend backend;
    private Snapshot snapshot;
    private final List<Thread> writers = Collections.synchronizedList(new ArrayList<>());

    /** Of a request whose client's thread has nothing else to do. */
    private static final class Awaited implements Completion {
        final CompletableFuture<Void> end = new CompletableFuture<>();

        @Override
        public boolean isAwaited() {
            return true;
        }

        @Override
        public void done() {
            end.complete(null);
        }

        @Override
        public void failed(NbdError error, String reason) {
            end.completeExceptionally(new IOException(error + ": " + reason));
        }
    }

    @BeforeEach
    void begin() throws IOException {
        fixture = AgentFixture.open(directory);
        backend = fixture.attachWatched("disk0", SIZE_BYTES);
        AgentFixture.write(fixture.export("disk0"), 0, filled(SIZE_BYTES, 1));
        snapshot = fixture.transact(io.varve.core.drive.Completion.INDIVIDUAL, AgentFixture.full("disk0"))
                .getFirst()
                .snapshot();
        backend.onChange((offsetBytes, lengthBytes) -> writers.add(Thread.currentThread()));
    }

    @AfterEach
    void end() throws IOException {
        backend.onRead((offsetBytes, lengthBytes) -> {});
        fixture.close();
    }

    @Test
    void shouldWriteOnTheClientsThreadOnceOldContentIsKept() {
        Awaited write = write();
        Awaited zeroes = new Awaited();
        fixture.export("disk0").writeZeroes(512 * 1024, 4096, ZeroMode.MAY_PUNCH, zeroes);

        assertTrue(write.end.isDone() && zeroes.end.isDone());
        assertEquals(List.of(Thread.currentThread(), Thread.currentThread()), writers);
        assertEquals(2 * 65_536, snapshot.keptBytes());
        assertKeepsAllOnes();
    }

    /** The client may send more, which must not wait for a disk that's slow to keep what is old. */
    @Test
    void shouldGoOnWithTheClientWhenCopyingTakesLong() {
        CountDownLatch mayCopy = new CountDownLatch(1);
        backend.onRead((offsetBytes, lengthBytes) -> await(mayCopy));

        Awaited write = write();

        assertFalse(write.end.isDone());
        assertEquals(List.of(), writers);
        mayCopy.countDown();
        write.end.join();
        assertFalse(writers.contains(Thread.currentThread()));
        assertKeepsAllOnes();
    }

    @Test
    void shouldWriteWhenOldContentCannotBeKept() { // I9
        backend.onRead((offsetBytes, lengthBytes) -> {
            throw new IOException("the test wants it");
        });

        Awaited write = write();

        write.end.join();
        assertInstanceOf(SnapshotRead.Gone.class, snapshot.read(0, ByteBuffer.allocate(512)));
    }

    private Awaited write() {
        Awaited completion = new Awaited();
        ByteBuffer data = ByteBuffer.allocateDirect(4096).put(filled(4096, 2)).flip();
        fixture.export("disk0").write(0, data, completion);
        // As a connection does: it receives the next request into the same memory.
        data.clear().put(filled(4096, 9));
        return completion;
    }

    private void assertKeepsAllOnes() {
        ByteBuffer read = ByteBuffer.allocate(SIZE_BYTES);
        assertInstanceOf(SnapshotRead.Done.class, snapshot.read(0, read));
        assertEquals(ByteBuffer.wrap(filled(SIZE_BYTES, 1)), read.flip());
        ByteBuffer now = ByteBuffer.allocate(4096);
        try {
            fixture.export("disk0").read(0, now);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        assertEquals(ByteBuffer.wrap(filled(4096, 2)), now.flip());
    }

    private static byte[] filled(int lengthBytes, int value) {
        byte[] bytes = new byte[lengthBytes];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    private static void await(CountDownLatch latch) throws IOException {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IOException("interrupted", e);
        }
    }
}
