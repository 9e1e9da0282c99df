package io.varve.cli.quickstart;

import io.varve.transfer.nbd.Durability;
import io.varve.transfer.nbd.NbdClient;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Writes some blocks of a drive, as a guest does: mostly small writes to a few hot places, now and then one elsewhere,
 * some zeros, some flushed. What was acknowledged goes into the model.
 *
 * <p>Thread: one of its own writes; another one pauses it, and is the one to let it go on.
 */
final class GuestWriter implements AutoCloseable {
    private static final int SECTOR_BYTES = 512;
    private static final int WRITE_SECTORS_MAX = 64;
    private static final long HOT_BYTES = 3L << 20;
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(4);

    /** The blocks that a writer alone writes. */
    record Territory(String drive, DriveModel model, int firstBlock, int endBlock) {
        long offsetBytes() {
            return (long) firstBlock * DriveModel.BLOCK_BYTES;
        }

        long lengthBytes() {
            return (long) (endBlock - firstBlock) * DriveModel.BLOCK_BYTES;
        }
    }

    private final Territory territory;
    private final NbdClient client;
    private final SplittableRandom random;
    private final long hotOffsetBytes;
    /** Held for each write; fair, so that who wants to pause it needn't wait for long. */
    private final ReentrantLock turn = new ReentrantLock(true);

    private final AtomicLong acked = new AtomicLong();
    private final Thread thread;
    private volatile boolean stopped;
    private volatile Optional<IOException> failure = Optional.empty();
    /** Guarded by the turn. */
    private Optional<WriteHistory> recording = Optional.empty();

    private GuestWriter(Territory territory, NbdClient client, SplittableRandom random) {
        this.territory = territory;
        this.client = client;
        this.random = random;
        this.hotOffsetBytes = territory.offsetBytes() + aligned(random.nextLong(territory.lengthBytes() - HOT_BYTES));
        this.thread =
                Thread.ofPlatform().daemon().name("guest-" + territory.drive()).unstarted(this::writeOn);
    }

    /** Begins to write; {@code client} is this writer's from now on. */
    static GuestWriter start(Territory territory, NbdClient client, SplittableRandom random) {
        GuestWriter writer = new GuestWriter(territory, client, random);
        writer.thread.start();
        return writer;
    }

    /** Returns when no write is in flight; none begins before {@link #goOn}. */
    void pause() {
        turn.lock();
    }

    void goOn() {
        turn.unlock();
    }

    /** Writes that were acknowledged since it began. */
    long acked() {
        return acked.get();
    }

    /** Writes down what it does from now on. */
    void startRecording() {
        turn.lock();
        try {
            recording = Optional.of(WriteHistory.begin(
                    territory.drive(), territory.model().copy(), territory.firstBlock(), territory.endBlock()));
        } finally {
            turn.unlock();
        }
    }

    /** What it did since {@link #startRecording}. */
    WriteHistory stopRecording() {
        turn.lock();
        try {
            WriteHistory history = recording.orElseThrow();
            recording = Optional.empty();
            return history;
        } finally {
            turn.unlock();
        }
    }

    /**
     * Looks whether all went well.
     *
     * @throws IOException if a write failed: a guest's write must never fail
     */
    void check() throws IOException {
        if (failure.isPresent()) {
            throw new IOException(
                    "a write to drive '" + territory.drive() + "' failed: "
                            + failure.get().getMessage(),
                    failure.get());
        }
    }

    private void writeOn() {
        while (!stopped && failure.isEmpty()) {
            turn.lock();
            try {
                writeOne();
            } catch (IOException e) {
                failure = Optional.of(e);
            } finally {
                turn.unlock();
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    private void writeOne() throws IOException {
        int lengthBytes = SECTOR_BYTES * (1 + random.nextInt(WRITE_SECTORS_MAX));
        long offsetBytes = random.nextInt(20) == 0
                ? territory.offsetBytes() + aligned(random.nextLong(territory.lengthBytes() - lengthBytes))
                : hotOffsetBytes + aligned(random.nextLong(HOT_BYTES - lengthBytes));
        int kind = random.nextInt(20);
        ByteBuffer data = ByteBuffer.allocate(lengthBytes);
        if (kind != 0) {
            random.nextBytes(data.array());
        }
        long begunNanos = System.nanoTime();
        if (kind == 0) {
            client.writeZeroes(offsetBytes, lengthBytes, Durability.CACHED);
        } else {
            client.write(offsetBytes, data.duplicate(), kind == 1 ? Durability.DURABLE : Durability.CACHED);
        }
        long ackedNanos = System.nanoTime();
        if (kind == 2) {
            client.flush();
        }
        territory.model().write(offsetBytes, data);
        recording.ifPresent(h -> h.add(new WriteHistory.Write(offsetBytes, data, begunNanos, ackedNanos)));
        acked.incrementAndGet();
    }

    private static long aligned(long bytes) {
        return bytes / SECTOR_BYTES * SECTOR_BYTES;
    }

    @Override
    public void close() throws InterruptedException {
        stopped = true;
        thread.join();
        client.close();
    }
}
