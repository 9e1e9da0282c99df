package io.varve.cli.handover;

import io.varve.formats.nbd.NbdUri;
import io.varve.transfer.nbd.Durability;
import io.varve.transfer.nbd.NbdClient;
import io.varve.transfer.nbd.NbdClientOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * A guest that writes, as much as it's allowed to, to wherever its drive is now; it knows which clusters it wrote since
 * it was asked to begin anew.
 */
final class RestlessGuest implements AutoCloseable {
    private static final int SECTORS_MAX = 32;
    /** One write may be lost with each place that it leaves. */
    private static final int SLACK = 4;

    private final long sizeBytes;
    private final SplittableRandom random;
    private final BlockingQueue<Optional<NbdUri>> places = new LinkedBlockingQueue<>();
    private final Thread thread;
    private volatile boolean isStopped;
    private volatile IOException lastFailure = new IOException("none");
    private BitSet begun = new BitSet();
    private BitSet acknowledged = new BitSet();
    private boolean isWriting;
    private int allowed;
    private long writes;

    RestlessGuest(long sizeBytes, SplittableRandom random) {
        this.sizeBytes = sizeBytes;
        this.random = random;
        this.thread = Thread.ofPlatform().daemon().name("guest").start(this::run);
    }

    /** The drive is here from now on; the guest goes there when the place before fails. */
    void goTo(NbdUri place) {
        places.add(Optional.of(place));
    }

    private void run() {
        try {
            for (Optional<NbdUri> place = places.take(); place.isPresent() && !isStopped; place = places.take()) {
                try (NbdClient client = NbdClient.connect(place.get(), List.of(), NbdClientOptions.DEFAULT)) {
                    while (!isStopped) {
                        acquire();
                        write(client);
                    }
                } catch (IOException e) {
                    // The drive has gone, or its agent: the guest waits for another place.
                    lastFailure = e;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized void acquire() throws InterruptedException {
        while (allowed == 0) {
            wait();
        }
        allowed--;
        isWriting = true;
    }

    private void write(NbdClient client) throws IOException {
        int lengthBytes = 512 * (1 + random.nextInt(SECTORS_MAX));
        long offsetBytes = random.nextLong((sizeBytes - lengthBytes) / 512) * 512;
        int from = (int) (offsetBytes / TestAgent.CLUSTER_BYTES);
        int to = (int) ((offsetBytes + lengthBytes - 1) / TestAgent.CLUSTER_BYTES) + 1;
        byte[] data = new byte[lengthBytes];
        random.nextBytes(data);
        synchronized (this) {
            begun.set(from, to);
        }
        boolean isDone = false;
        try {
            client.write(offsetBytes, ByteBuffer.wrap(data), Durability.CACHED);
            isDone = true;
        } finally {
            ended(from, to, isDone);
        }
    }

    private synchronized void ended(int from, int to, boolean isDone) {
        isWriting = false;
        if (isDone) {
            acknowledged.set(from, to);
            writes++;
        }
        notifyAll();
    }

    /** Lets it write so many times more. */
    synchronized void allow(int more) {
        allowed += more;
        notifyAll();
    }

    /** Waits until so many more writes were acknowledged. */
    synchronized void awaitWrites(int more) throws InterruptedException {
        allow(more + SLACK);
        long goal = writes + more;
        while (writes < goal) {
            wait();
        }
    }

    /** It writes nothing until it's allowed to again, and knows only of what it writes then. */
    synchronized void beginAnew() throws InterruptedException {
        allowed = 0;
        while (isWriting) {
            wait();
        }
        begun = new BitSet();
        acknowledged = new BitSet();
    }

    synchronized BitSet acknowledged() {
        return (BitSet) acknowledged.clone();
    }

    synchronized BitSet begun() {
        return (BitSet) begun.clone();
    }

    synchronized long writes() {
        return writes;
    }

    /** Why it left its last place. */
    IOException lastFailure() {
        return lastFailure;
    }

    /** Ends it, with its last write. */
    @Override
    public void close() throws InterruptedException {
        isStopped = true;
        allow(1);
        places.add(Optional.empty());
        thread.join();
    }
}
