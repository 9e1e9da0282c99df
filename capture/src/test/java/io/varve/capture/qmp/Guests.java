package io.varve.capture.qmp;

import io.varve.transfer.nbd.Durability;
import io.varve.transfer.nbd.NbdClient;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** Guests that write random data to drives over NBD, all the time but while they're held. */
final class Guests implements AutoCloseable {
    private static final int SECTOR_BYTES = 512;
    private static final int SECTORS_MAX = 200;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final List<Thread> threads = new ArrayList<>();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private boolean held;
    private boolean stopped;
    private int writing;
    private long writes;

    static Guests start(LiveAgent agent, SplittableRandom random, String... drives) throws IOException {
        Guests guests = new Guests();
        for (String drive : drives) {
            NbdClient client = agent.guest(drive);
            SplittableRandom own = random.split();
            guests.threads.add(Thread.ofPlatform().start(() -> guests.run(client, own)));
        }
        return guests;
    }

    /** Returns when no write is in flight, and none begins. */
    void hold() throws InterruptedException {
        lock.lock();
        try {
            held = true;
            while (writing > 0) {
                changed.await();
            }
        } finally {
            lock.unlock();
        }
    }

    void goOn() {
        lock.lock();
        try {
            held = false;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Returns when some more writes were acknowledged. */
    void awaitWrites(int count) throws InterruptedException {
        lock.lock();
        try {
            long goal = writes + count;
            while (writes < goal && failure.get() == null) {
                changed.await();
            }
        } finally {
            lock.unlock();
        }
        check();
    }

    private void run(NbdClient client, SplittableRandom random) {
        try (client) {
            while (begin()) {
                try {
                    write(client, random);
                } finally {
                    end();
                }
            }
        } catch (IOException | InterruptedException | RuntimeException e) {
            failure.set(e);
            end();
        }
    }

    private boolean begin() throws InterruptedException {
        lock.lock();
        try {
            while (held && !stopped) {
                changed.await();
            }
            writing++;
            return !stopped;
        } finally {
            lock.unlock();
        }
    }

    private void end() {
        lock.lock();
        try {
            writing--;
            writes++;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private static void write(NbdClient client, SplittableRandom random) throws IOException {
        int sectors = 1 + random.nextInt(SECTORS_MAX);
        long first = random.nextLong(client.sizeBytes() / SECTOR_BYTES - sectors);
        switch (random.nextInt(8)) {
            case 0 -> client.writeZeroes(first * SECTOR_BYTES, (long) sectors * SECTOR_BYTES, Durability.CACHED);
            case 1 -> client.trim(first * SECTOR_BYTES, (long) sectors * SECTOR_BYTES, Durability.CACHED);
            default -> {
                byte[] data = new byte[sectors * SECTOR_BYTES];
                random.nextBytes(data);
                client.write(first * SECTOR_BYTES, ByteBuffer.wrap(data), Durability.CACHED);
            }
        }
    }

    private void check() {
        Throwable ended = failure.get();
        if (ended != null) {
            throw new AssertionError("I9: a guest's write failed", ended);
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            stopped = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        for (Thread thread : threads) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
        check();
    }
}
