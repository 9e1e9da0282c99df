package io.varve.capture.job;

import io.varve.capture.snapshot.Snapshot;
import io.varve.capture.snapshot.SnapshotRead;
import io.varve.core.bits.Extent;
import io.varve.core.job.Operation;
import io.varve.core.snapshot.SnapshotStatus;
import io.varve.transfer.source.ClusterSource;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * A snapshot that a job copies. Its threads read the drive's image and are never interrupted, since that would close
 * the image under the guest: so the copying thread never reads by itself.
 */
final class SnapshotSource implements ClusterSource {
    private static final int READERS_MAX = 4;

    private final Snapshot snapshot;
    private final Retrying retrying;
    private final ExecutorService readers;

    /** @param readsMax how many reads are made at once, at most */
    SnapshotSource(Snapshot snapshot, Retrying retrying, long readsMax) {
        this.snapshot = snapshot;
        this.retrying = retrying;
        readers = Executors.newFixedThreadPool(
                (int) Math.min(READERS_MAX, readsMax),
                Thread.ofPlatform()
                        .daemon()
                        .name("read-" + snapshot.name() + "-", 0)
                        .factory());
    }

    @Override
    public long sizeBytes() {
        return snapshot.sizeBytes();
    }

    @Override
    public String describe() {
        return "snapshot '" + snapshot.name() + "'";
    }

    @Override
    public CompletableFuture<Void> read(long offsetBytes, ByteBuffer into) {
        ByteBuffer range = into.slice();
        return CompletableFuture.runAsync(() -> fill(offsetBytes, range), readers);
    }

    private void fill(long offsetBytes, ByteBuffer range) {
        try {
            retrying.run(Operation.READ, () -> readOnce(offsetBytes, range.duplicate()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void readOnce(long offsetBytes, ByteBuffer range) throws IOException {
        int lengthBytes = range.remaining();
        switch (snapshot.read(offsetBytes, range)) {
            // A job reads each cluster once, and fails as a whole: the guest's writes there wait for nothing any more.
            case SnapshotRead.Done _ -> snapshot.discard(offsetBytes, lengthBytes);
            case SnapshotRead.Gone(String reason) ->
                throw snapshot.status() instanceof SnapshotStatus.Live
                        ? new IOException(reason)
                        : new LostSourceException(reason);
            case SnapshotRead.Unprotected _ ->
                throw new IOException("the range at " + offsetBytes + " isn't protected");
        }
    }

    @Override
    public List<Extent> zeros(Extent range) throws IOException {
        try {
            return readers.submit(() -> snapshot.zeros(range)).get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while it was asked for its zeroes");
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException failure) {
                throw new IOException(failure.getMessage(), failure);
            }
            throw new IllegalStateException("asking " + describe() + " for its zeroes broke", e);
        }
    }

    /** Takes no more reads. Those that have begun end by themselves: waiting for them might interrupt them. */
    @Override
    public void close() {
        readers.shutdown();
    }
}
