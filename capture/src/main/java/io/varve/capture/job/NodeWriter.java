package io.varve.capture.job;

import io.varve.archive.store.StoredParts;
import io.varve.capture.backend.ZeroMode;
import io.varve.capture.node.Node;
import io.varve.core.job.Operation;
import io.varve.transfer.target.ImageWriter;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Writes a copy into a node, as a guest would: so a bitmap of the node's sees it. A copy that doesn't succeed leaves
 * the node partly written, as with QEMU.
 *
 * <p>The copying thread may be interrupted, which would close the image's file: so a thread of its own writes.
 */
final class NodeWriter implements ImageWriter {
    private final Node node;
    private final long sizeBytes;
    private final int clusterBytes;
    private final Runnable ended;
    private final ExecutorService writer;
    private Optional<Retrying> retrying = Optional.empty();

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
        return offsetBytes;
    }

    @Override
    public void zero(long cluster) throws IOException {
        long offsetBytes = cluster * clusterBytes;
        long lengthBytes = Math.min(clusterBytes, sizeBytes - offsetBytes);
        write(() -> node.io().zeroNow(offsetBytes, lengthBytes, ZeroMode.MAY_PUNCH));
    }

    @Override
    public void finish() {}

    @Override
    public Optional<StoredParts> complete() throws IOException {
        try {
            done(() -> {
                node.io().flushNow();
                return true;
            });
        } finally {
            end();
        }
        return Optional.empty();
    }

    @Override
    public void abort() throws IOException {
        end();
    }

    /** After what it's still writing; whoever hears of the job's end finds the node free. */
    private void end() throws IOException {
        try {
            done(() -> {
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
