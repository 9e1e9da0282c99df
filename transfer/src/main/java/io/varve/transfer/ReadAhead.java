package io.varve.transfer;

import io.varve.formats.qcow2.ClusterSize;
import io.varve.transfer.source.ClusterSource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Keeps many reads in flight, and has what they bring checked by several threads; gives it out in order.
 *
 * <p>Thread: one.
 */
final class ReadAhead implements AutoCloseable {
    /** Enough to hide a network's delay, small enough that several fit into little memory. */
    private static final int READ_BYTES = 512 * 1024;

    /** What a step brought. */
    sealed interface Taken {
        /** Zeros, which weren't read. */
        record Zeros(ClusterRun run) implements Taken {}

        /** Clusters that were read, with their bytes; give them back to {@link ReadAhead#recycle}. */
        record Clusters(ClusterRun run, ByteBuffer bytes, List<ClusterContent> contents) implements Taken {}
    }

    private record Pending(CopySteps.Step step, CompletableFuture<Taken> taken) {}

    private final ClusterSource source;
    private final ClusterSize clusterSize;
    private final int readsMax;
    private final ExecutorService checkers;
    private final Deque<Pending> pending = new ArrayDeque<>();
    private final Deque<ByteBuffer> free = new ArrayDeque<>();

    ReadAhead(ClusterSource source, ClusterSize clusterSize, long memoryBytes) {
        this.source = source;
        this.clusterSize = clusterSize;
        readsMax = (int) Math.max(2, memoryBytes / (readClusters(clusterSize) * clusterSize.bytes()));
        checkers = Executors.newFixedThreadPool(
                Runtime.getRuntime().availableProcessors(),
                Thread.ofPlatform().daemon().name("check-clusters-", 0).factory());
    }

    /** How many clusters are read at once. */
    static long readClusters(ClusterSize clusterSize) {
        return Math.max(1, READ_BYTES / clusterSize.bytes());
    }

    boolean hasRoom() {
        return pending.size() < readsMax;
    }

    boolean isEmpty() {
        return pending.isEmpty();
    }

    void submit(CopySteps.Step step) {
        pending.add(new Pending(
                step,
                switch (step) {
                    case CopySteps.Step.Zeros(ClusterRun run) ->
                        CompletableFuture.completedFuture(new Taken.Zeros(run));
                    case CopySteps.Step.Read(ClusterRun run) -> read(run);
                }));
    }

    private CompletableFuture<Taken> read(ClusterRun run) {
        long offsetBytes = clusterSize.offsetBytes(run.first());
        int wholeBytes = (int) clusterSize.offsetBytes(run.count());
        int driveBytes = (int) run.bytes(clusterSize, source.sizeBytes());
        ByteBuffer buffer = Optional.ofNullable(free.poll())
                .orElseGet(() -> ByteBuffer.allocate((int) clusterSize.offsetBytes(readClusters(clusterSize))));
        buffer.clear().limit(wholeBytes);
        buffer.slice(driveBytes, wholeBytes - driveBytes).put(new byte[wholeBytes - driveBytes]);
        return source.read(offsetBytes, buffer.slice(0, driveBytes))
                .thenApplyAsync(
                        _ -> new Taken.Clusters(run, buffer, ClusterContent.of(buffer, clusterSize.bytes())), checkers);
    }

    /** Waits for the oldest step. */
    Taken take() throws ReadFailedException, InterruptedException {
        Pending oldest = pending.remove();
        try {
            return oldest.taken().get();
        } catch (ExecutionException e) {
            throw failure(oldest.step().run(), e);
        }
    }

    private ReadFailedException failure(ClusterRun run, ExecutionException failed) {
        Throwable cause = failed;
        while (cause.getCause() != null
                && (cause instanceof ExecutionException
                        || cause instanceof CompletionException
                        || cause instanceof UncheckedIOException)) {
            cause = cause.getCause();
        }
        if (!(cause instanceof IOException)) {
            throw new IllegalStateException("reading " + source.describe() + " broke: " + cause, cause);
        }
        long offsetBytes = clusterSize.offsetBytes(run.first());
        long lengthBytes = run.bytes(clusterSize, source.sizeBytes());
        return new ReadFailedException(
                "can't read " + lengthBytes + " bytes at offset " + offsetBytes + " of " + source.describe() + ": "
                        + cause.getMessage(),
                cause);
    }

    void recycle(Taken.Clusters clusters) {
        free.add(clusters.bytes());
    }

    /** Waits for the checks that have begun; what's read still is the source's to end. */
    @Override
    public void close() {
        checkers.shutdown();
    }
}
