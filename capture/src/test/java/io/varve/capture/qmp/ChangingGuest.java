package io.varve.capture.qmp;

import io.varve.transfer.nbd.Durability;
import io.varve.transfer.nbd.NbdClient;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;

/** A guest that writes here and there, and knows what the drive holds; it reads what it wrote, now and then. */
final class ChangingGuest implements AutoCloseable {
    private static final int SECTOR_BYTES = 512;
    private static final int LENGTH_BYTES_MAX = 96 << 10;

    private final NbdClient client;
    private final SplittableRandom random;
    private final byte[] content;
    private final BitSet written = new BitSet();
    private final CompletableFuture<Void> run;
    private final AtomicInteger count = new AtomicInteger();
    private volatile boolean isEnough;

    /** @param content of the drive; nobody else may use it until this is closed */
    ChangingGuest(Path folder, SplittableRandom random, byte[] content) throws IOException {
        this.client = ImageAgent.connect(folder);
        this.random = random;
        this.content = content;
        this.run = CompletableFuture.runAsync(this::write);
    }

    private void write() {
        try {
            while (!isEnough) {
                int lengthBytes = SECTOR_BYTES * (1 + random.nextInt(LENGTH_BYTES_MAX / SECTOR_BYTES));
                int at = SECTOR_BYTES * random.nextInt((content.length - lengthBytes) / SECTOR_BYTES + 1);
                if (random.nextInt(4) == 0) {
                    check(at, lengthBytes);
                } else {
                    write(at, lengthBytes);
                }
                if (random.nextInt(64) == 0) {
                    client.flush();
                }
                int _ = count.incrementAndGet();
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private void write(int at, int lengthBytes) throws IOException {
        byte[] data = new byte[lengthBytes];
        Arrays.fill(data, (byte) random.nextInt());
        client.write(at, ByteBuffer.wrap(data), Durability.CACHED);
        System.arraycopy(data, 0, content, at, lengthBytes);
        written.set(at / SECTOR_BYTES, (at + lengthBytes) / SECTOR_BYTES);
    }

    private void check(int at, int lengthBytes) throws IOException {
        ByteBuffer seen = ByteBuffer.allocate(lengthBytes);
        client.read(at, seen);
        if (!Arrays.equals(seen.array(), 0, lengthBytes, content, at, at + lengthBytes)) {
            throw new IllegalStateException("the guest reads something else at " + at + " than it wrote");
        }
    }

    /** Waits until it has done so many requests more. */
    void goOn(int requests) {
        int goal = count.get() + requests;
        while (count.get() < goal && !run.isDone()) {
            Thread.onSpinWait();
        }
    }

    /** The granules that it wrote to, in bytes; once it's closed. */
    long writtenBytes(int granularityBytes) {
        return written.stream()
                        .map(sector -> sector * SECTOR_BYTES / granularityBytes)
                        .distinct()
                        .count()
                * granularityBytes;
    }

    /** Ends it, and tells how it went. */
    @Override
    public void close() {
        isEnough = true;
        try {
            run.join();
        } finally {
            client.close();
        }
    }
}
