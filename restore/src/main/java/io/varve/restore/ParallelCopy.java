package io.varve.restore;

import io.varve.archive.sums.ClusterSum;
import io.varve.restore.merge.MergedClusters;
import io.varve.restore.merge.Segment;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Copies a chain's clusters with several reads at a time. The buffers bound both memory and reads: who has no buffer
 * waits. Thread: its owner's only; the reads run on threads of its own, which end with {@link #run}.
 */
final class ParallelCopy {
    /** Room for two of the largest clusters. */
    static final int BUFFER_BYTES = 4 << 20;

    private static final int READS_AT_ONCE = 8;

    private final Chain chain;
    private final BatchReader reader;
    private final RestoreProgress progress;
    private final BlockingQueue<ByteBuffer> buffers = new ArrayBlockingQueue<>(READS_AT_ONCE);
    private final Map<Integer, Batch> open = new HashMap<>();
    private final Queue<Exception> failures = new ConcurrentLinkedQueue<>();
    private long readBytes;

    ParallelCopy(Chain chain, BatchReader reader, RestoreProgress progress) {
        this.chain = chain;
        this.reader = reader;
        this.progress = progress;
        for (int i = 0; i < READS_AT_ONCE; i++) {
            buffers.add(ByteBuffer.allocate(BUFFER_BYTES));
        }
    }

    /**
     * Copies all.
     *
     * @return how many bytes were read from the archive's data objects
     * @throws IOException the first failure of any read, check or write; then nothing more is begun
     */
    long run() throws IOException {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            MergedClusters merged = chain.merged();
            for (Optional<Segment> next = merged.next(); next.isPresent() && failures.isEmpty(); next = merged.next()) {
                add(next.get(), threads);
            }
            for (Batch batch : open.values()) {
                submit(batch, threads);
            }
        }
        throwFailure();
        long sizeBytes = chain.head().image().sizeBytes();
        progress.reached(chain.head().name().drive(), sizeBytes, sizeBytes);
        return readBytes;
    }

    private void add(Segment segment, ExecutorService threads) throws IOException {
        if (segment.sum().kind() == ClusterSum.Kind.ZERO) {
            return;
        }
        Batch batch = open.get(segment.layer());
        if (batch == null || !batch.add(segment)) {
            if (batch != null) {
                submit(batch, threads);
                progress.reached(
                        chain.head().name().drive(),
                        segment.offsetBytes(),
                        chain.head().image().sizeBytes());
            }
            Batch fresh = new Batch(segment.layer(), BUFFER_BYTES);
            fresh.add(segment);
            open.put(segment.layer(), fresh);
        }
    }

    private void submit(Batch batch, ExecutorService threads) throws IOException {
        ByteBuffer buffer = takeBuffer();
        readBytes += batch.lengthBytes();
        threads.execute(() -> {
            try {
                if (failures.isEmpty()) {
                    reader.read(batch, buffer);
                }
            } catch (IOException | RuntimeException e) {
                failures.add(e);
            } finally {
                buffers.add(buffer);
            }
        });
    }

    private ByteBuffer takeBuffer() throws IOException {
        try {
            return buffers.take();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            InterruptedIOException interrupted = new InterruptedIOException("interrupted");
            interrupted.initCause(e);
            throw interrupted;
        }
    }

    private void throwFailure() throws IOException {
        Exception first = failures.peek();
        switch (first) {
            case null -> {}
            case IOException e -> throw e;
            default -> throw new IllegalStateException("a read of the restore failed", first);
        }
    }
}
