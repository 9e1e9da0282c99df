package io.varve.capture.job;

import io.varve.archive.store.StoredParts;
import io.varve.capture.backend.ZeroMode;
import io.varve.capture.backend.qcow2.Qcow2Backend;
import io.varve.capture.node.Node;
import io.varve.core.job.Operation;
import io.varve.transfer.target.ImageWriter;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.LongStream;

/**
 * Writes a copy into a node, as a guest would: so a bitmap of the node's sees it. A copy that doesn't succeed leaves
 * the node partly written, as with QEMU.
 *
 * <p>The copying thread may be interrupted, which would close the image's file: so a thread of its own writes.
 */
final class NodeWriter implements ImageWriter {
    private static final int PACKED_AT_ONCE = 32;

    private final Node node;
    private final long sizeBytes;
    private final int clusterBytes;
    private final Runnable ended;
    private final ExecutorService writer;
    private final List<Long> unpacked = new ArrayList<>();
    private Optional<Retrying> retrying = Optional.empty();
    private boolean compress;
    private boolean durable;

    /**
     * Writes into {@code node}.
     *
     * @param clusterBytes of the copy
     * @param ended is run when nothing more will be written
     */
    NodeWriter(Node node, long sizeBytes, int clusterBytes, Runnable ended) {
        this.node = node;
        this.sizeBytes = sizeBytes;
        this.clusterBytes = clusterBytes;
        this.ended = ended;
        writer = Executors.newSingleThreadExecutor(
                Thread.ofPlatform().daemon().name("write-" + node.name()).factory());
    }

    /** Compresses what it writes; the node is one of a qcow2 image. */
    void compress() {
        compress = true;
    }

    /** Writes that fail are made again as {@code terms} have it. */
    NodeWriter with(Retrying terms) {
        retrying = Optional.of(terms);
        return this;
    }

    Node node() {
        return node;
    }

    private void write(Retrying.Request request) throws IOException {
        done(() -> {
            if (retrying.isPresent()) {
                retrying.get().run(Operation.WRITE, request);
            } else {
                request.make();
            }
            return true;
        });
    }

    @Override
    public String describe() {
        return "'" + node.filename() + "'";
    }

    @Override
    public long data(long cluster, ByteBuffer bytes) throws IOException {
        long offsetBytes = cluster * clusterBytes;
        int lengthBytes = (int) Math.min(clusterBytes, sizeBytes - offsetBytes);
        ByteBuffer piece = bytes.slice(bytes.position(), lengthBytes);
        write(() -> node.io().writeNow(offsetBytes, piece.duplicate()));
        if (compress) {
            unpacked.add(offsetBytes);
            if (unpacked.size() == PACKED_AT_ONCE) {
                pack();
            }
        }
        return offsetBytes;
    }

    /** Once they're written, and so marked where the node is tracked: what they read as isn't changed by it. */
    private void pack() throws IOException {
        Qcow2Backend image = node.qcow2().orElseThrow();
        int imageClusterBytes = image.header().clusterSize().bytes();
        long[] offsets = unpacked.stream()
                .flatMapToLong(from -> LongStream.iterate(
                        from, at -> at < Math.min(from + clusterBytes, sizeBytes), at -> at + imageClusterBytes))
                .toArray();
        unpacked.clear();
        if (offsets.length > 0) {
            write(() -> image.clusters().pack(offsets));
        }
    }

    @Override
    public void zero(long cluster) throws IOException {
        long offsetBytes = cluster * clusterBytes;
        long lengthBytes = Math.min(clusterBytes, sizeBytes - offsetBytes);
        write(() -> node.io().zeroNow(offsetBytes, lengthBytes, ZeroMode.MAY_PUNCH));
    }

    @Override
    public void finish() throws IOException {
        if (compress) {
            pack();
        }
    }

    @Override
    public Optional<StoredParts> complete() throws IOException {
        flushAndEnd();
        return Optional.empty();
    }

    /** What was copied stays: a bitmap may count on it. */
    @Override
    public void abort() throws IOException {
        flushAndEnd();
    }

    /** Whether it has ended, and all that it wrote is there whatever comes; for the thread that copies. */
    boolean isDurable() {
        return durable;
    }

    private void flushAndEnd() throws IOException {
        try {
            done(() -> {
                node.io().flushNow();
                return true;
            });
            durable = true;
        } finally {
            end();
        }
    }

    /** After what it's still writing; whoever hears of the job's end finds the node free. */
    private void end() throws IOException {
        try {
            done(() -> {
                node.backend().awaitServer(true);
                ended.run();
                return true;
            });
        } finally {
            writer.shutdown();
        }
    }

    private void done(Callable<Boolean> write) throws IOException {
        try {
            boolean _ = writer.submit(write).get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while it was written to");
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException failure) {
                throw new IOException(failure.getMessage(), failure);
            }
            throw new IllegalStateException("writing to " + describe() + " broke", e);
        }
    }
}
