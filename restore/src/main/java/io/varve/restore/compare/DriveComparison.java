package io.varve.restore.compare;

import io.varve.core.bits.Extent;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.transfer.source.ClusterSource;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.util.Queue;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.LongConsumer;

/**
 * Reads a whole drive at a point in time, and finds where it differs from what it was earlier. Many reads are in flight,
 * and several threads check what they bring; the buffers bound both. Thread: its owner's only.
 */
public final class DriveComparison {
    private static final int READS_AT_ONCE = 8;

    private final ClusterSource drive;
    private final Baseline baseline;
    private final LongConsumer progress;
    private final BlockingQueue<ByteBuffer> buffers = new ArrayBlockingQueue<>(READS_AT_ONCE);
    private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();

    /** @param progress hears how many bytes, from the beginning, are read or on their way */
    public DriveComparison(ClusterSource drive, Baseline baseline, LongConsumer progress) {
        this.drive = drive;
        this.baseline = baseline;
        this.progress = progress;
        for (int i = 0; i < READS_AT_ONCE; i++) {
            buffers.add(ByteBuffer.allocate(baseline.rangeBytes()));
        }
    }

    /**
     * Compares all.
     *
     * @return what differs: every granule that has a byte which isn't as it was, and perhaps more
     * @throws IOException the first failure of any read; then nothing more is begun
     */
    public Marks run(Granularity granularity) throws IOException {
        Marks differing = Marks.none(granularity, drive.sizeBytes());
        try (ExecutorService checkers = Executors.newFixedThreadPool(
                Runtime.getRuntime().availableProcessors(),
                Thread.ofPlatform().daemon().name("compare-", 0).factory())) {
            for (long at = 0; at < drive.sizeBytes() && failures.isEmpty(); at += baseline.rangeBytes()) {
                Extent range = new Extent(at, Math.min(baseline.rangeBytes(), drive.sizeBytes() - at));
                begin(range, checkers, differing);
                progress.accept(range.endBytes());
            }
            for (int i = 0; i < READS_AT_ONCE; i++) {
                ByteBuffer _ = take();
            }
        }
        throwFailure();
        return differing;
    }

    private void begin(Extent range, ExecutorService checkers, Marks differing) throws IOException {
        ByteBuffer buffer = take();
        Baseline.Check check = baseline.next(range);
        buffer.clear().limit((int) range.lengthBytes());
        var _ = drive.read(range.offsetBytes(), buffer)
                .thenRunAsync(() -> find(check, buffer, differing), checkers)
                .whenComplete((_, failure) -> {
                    if (failure != null) {
                        failures.add(failure);
                    }
                    buffers.add(buffer);
                });
    }

    private static void find(Baseline.Check check, ByteBuffer content, Marks differing) {
        try {
            check.find(content.rewind(), differing::mark);
        } catch (IOException e) {
            throw new CompletionException(e);
        }
    }

    private ByteBuffer take() throws IOException {
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
        Throwable failure = failures.peek();
        while (failure instanceof CompletionException && failure.getCause() != null) {
            failure = failure.getCause();
        }
        switch (failure) {
            case null -> {}
            case IOException e -> throw new IOException("can't read " + drive.describe() + ": " + e.getMessage(), e);
            default -> throw new IllegalStateException("comparing " + drive.describe() + " broke", failure);
        }
    }
}
