package io.varve.capture.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.backend.BackendAccess;
import io.varve.capture.backend.RawFileBackend;
import io.varve.capture.nbd.BackendExport;
import io.varve.capture.nbd.Completion;
import io.varve.capture.tracking.AgentFixture;
import io.varve.formats.nbd.NbdError;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Writers never stop while the node under their device is replaced. */
class DeviceIoTest {
    private static final int WRITERS = 4;
    private static final int REPLACEMENTS = 200;
    private static final int CELL_BYTES = 8;
    private static final Duration HANG = Duration.ofSeconds(30);
    private static final int CELLS = 200_000;

    @TempDir
    private Path directory;

    @Test
    void shouldMakeEachWriteToTheOneNodeThatIsUnderTheDevice() throws Exception {
        Path[] images = {image("a"), image("b")};
        try (RawFileBackend first = RawFileBackend.open(images[0], BackendAccess.READ_WRITE);
                RawFileBackend second = RawFileBackend.open(images[1], BackendAccess.READ_WRITE)) {
            Node[] nodes = {node("a", first), node("b", second)};
            DeviceIo device = new DeviceIo(nodes[0], System::nanoTime);
            AtomicBoolean stopped = new AtomicBoolean();
            List<Writer> writers = new ArrayList<>();
            List<Thread> threads = new ArrayList<>();
            for (int lane = 0; lane < WRITERS; lane++) {
                Writer writer = new Writer(device, lane, stopped);
                writers.add(writer);
                threads.add(Thread.ofPlatform().daemon().start(writer));
            }
            Thread replacer = Thread.ofPlatform().daemon().start(() -> replace(device, nodes, writers));
            assertTrue(replacer.join(HANG), "replacing hangs");
            stopped.set(true);
            for (Thread thread : threads) {
                assertTrue(thread.join(HANG), "a writer hangs");
            }
            byte[][] contents = {Files.readAllBytes(images[0]), Files.readAllBytes(images[1])};
            for (Writer writer : writers) {
                writer.check(contents);
            }
        }
    }

    /** Each time, when every writer has got further: so writes are made to each. */
    private static void replace(DeviceIo device, Node[] nodes, List<Writer> writers) {
        for (int count = 1; count <= REPLACEMENTS; count++) {
            for (Writer writer : writers) {
                int goal = Math.min(writer.acknowledged + 3, CELLS);
                while (writer.acknowledged < goal && !writer.failure.isDone()) {
                    Thread.onSpinWait();
                }
            }
            int side = count % 2;
            List<Integer> before = writers.stream().map(w -> w.begun).toList();
            assertTrue(device.hold(HANG.toNanos()), "writes in flight don't end");
            device.replace(nodes[side]);
            device.letGo();
            for (int lane = 0; lane < WRITERS; lane++) {
                Writer writer = writers.get(lane);
                // What was begun by then is on either side; what comes after that is on the new one.
                writer.replacements.add(new Replacement(before.get(lane), side, writer.begun));
            }
        }
    }

    /** How many cells a writer had begun before a replacement, and after it; read by the test once all have ended. */
    private record Replacement(int begunBefore, int side, int begunAfter) {}

    /** Writes each cell of its part once. */
    private static final class Writer implements Runnable {
        private final DeviceIo device;
        private final int lane;
        private final AtomicBoolean stopped;
        private final CompletableFuture<Boolean> failure = new CompletableFuture<>();
        private final List<Replacement> replacements = new ArrayList<>();
        private volatile int begun;
        private volatile int acknowledged;

        Writer(DeviceIo device, int lane, AtomicBoolean stopped) {
            this.device = device;
            this.lane = lane;
            this.stopped = stopped;
        }

        @Override
        public void run() {
            ByteBuffer cell = ByteBuffer.allocateDirect(CELL_BYTES);
            try {
                for (int number = 0; number < CELLS && !stopped.get(); number++) {
                    CompletableFuture<Void> end = new CompletableFuture<>();
                    begun = number + 1;
                    device.write(at(number), cell.clear().putLong(0, number + 1), ending(end));
                    end.get(30, TimeUnit.SECONDS);
                    acknowledged = number + 1;
                }
            } catch (InterruptedException | ExecutionException | TimeoutException | RuntimeException e) {
                boolean _ = failure.completeExceptionally(e);
            }
        }

        private int at(int number) {
            return (lane * CELLS + number) * CELL_BYTES;
        }

        private static Completion ending(CompletableFuture<Void> end) {
            return new Completion() {
                @Override
                public void done() {
                    boolean _ = end.complete(null);
                }

                @Override
                public void failed(NbdError error, String reason) {
                    boolean _ = end.completeExceptionally(new IOException(error + ": " + reason));
                }
            };
        }

        void check(byte[][] contents) throws Exception {
            if (failure.isDone()) {
                boolean _ = failure.get();
            }
            ByteBuffer[] sides = {ByteBuffer.wrap(contents[0]), ByteBuffer.wrap(contents[1])};
            for (int number = 0; number < acknowledged; number++) {
                long first = sides[0].getLong(at(number));
                long second = sides[1].getLong(at(number));
                assertEquals(number + 1, first + second, "cell " + number + " of writer " + lane + " is in one node");
                assertTrue(first == 0 || second == 0, "cell " + number + " of writer " + lane + " is in both");
            }
            checkSides(sides);
        }

        /** From a cell that began after a replacement to one acknowledged before the next, all is on its side. */
        private void checkSides(ByteBuffer[] sides) {
            for (int index = 0; index + 1 < replacements.size(); index++) {
                Replacement done = replacements.get(index);
                Replacement next = replacements.get(index + 1);
                for (int number = done.begunAfter(); number < next.begunBefore() - 1; number++) {
                    assertEquals(
                            number + 1,
                            sides[done.side()].getLong(at(number)),
                            "cell " + number + " of writer " + lane + " is in the node that was under the device");
                }
            }
        }
    }

    private static Node node(String name, RawFileBackend backend) {
        NodeSpec spec = new NodeSpec.FileNode(NodeOptions.DEFAULT, "file", name);
        return new Node(
                name,
                Node.Owner.MONITOR,
                spec,
                new NodeOpener.Opened(new NodeBackend(backend), Map.of()),
                new NodeIo(
                        new BackendExport(backend, BackendAccess.READ_WRITE, Runnable::run), false, System::nanoTime));
    }

    private Path image(String name) throws IOException {
        Path image = directory.resolve(name);
        AgentFixture.makeImage(image, (long) WRITERS * CELLS * CELL_BYTES);
        return image;
    }
}
