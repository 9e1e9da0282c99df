package io.varve.capture.job;

import io.varve.capture.backend.ZeroMode;
import io.varve.capture.backend.qcow2.Qcow2Backend;
import io.varve.capture.node.Node;
import io.varve.capture.node.NodeCommits.Commit;
import io.varve.core.bits.DirtyGranules;
import io.varve.core.bits.Extent;
import io.varve.core.bits.Granularity;
import io.varve.core.job.Operation;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * Copies into a base what the images over it hold, and what guests write to the uppermost of them meanwhile. The base
 * gets it as a guest's write, so its bitmaps see it.
 *
 * <p>Thread: one copies at a time; {@link #dirtyBytes} and {@link #copiedBytes} are safe for any thread.
 */
final class CommitCopy {
    /** As QEMU's: an error that's met concerns so much. */
    private static final int ACTIVE_CHUNK_BYTES = 1 << 20;

    private static final int CHUNK_BYTES = 512 << 10;
    private static final long GRANULE_BYTES_MIN = 4096;

    private final Commit commit;
    private final DirtyGranules dirty;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(ACTIVE_CHUNK_BYTES);
    private volatile long copiedBytes;
    private volatile long reachedBytes;
    private volatile long underWayBytes;

    /** Nothing is copied yet. */
    CommitCopy(Commit commit) {
        this.commit = commit;
        this.dirty =
                new DirtyGranules(granularity(commit), commit.top().backend().sizeBytes());
    }

    /** QEMU's default for a bitmap of the base, or as fine as the finest image where nobody sees it. */
    private static Granularity granularity(Commit commit) {
        if (commit.isActive()) {
            return new Granularity(Math.clamp(clusterBytes(commit.base()), GRANULE_BYTES_MIN, 65_536));
        }
        return new Granularity(commit.layers().stream()
                .mapToLong(CommitCopy::clusterBytes)
                .min()
                .orElse(Granularity.DEFAULT.bytes()));
    }

    private static long clusterBytes(Node node) {
        return node.qcow2()
                .map(image -> (long) image.header().clusterSize().bytes())
                .orElse(65_536L);
    }

    /** From now on whatever guests change is to be copied, too; and what the images hold already. */
    void begin() throws IOException {
        if (commit.isActive()) {
            commit.top().backend().watch(dirty::mark);
        }
        for (Node layer : commit.layers()) {
            Optional<Qcow2Backend> image = layer.qcow2();
            if (image.isPresent()) {
                image.get().clusters().forEach(dirty::mark);
            }
        }
    }

    /** Guests' changes are of no interest any more. */
    void end() {
        if (commit.isActive()) {
            commit.top().backend().unwatch();
        }
    }

    long dirtyBytes() {
        return dirty.dirtyBytes() + underWayBytes;
    }

    long copiedBytes() {
        return copiedBytes;
    }

    /** Up to where all is copied that the images held, in the first pass. */
    long reachedBytes() {
        return reachedBytes;
    }

    /** What stands between the copy's parts. */
    interface Pace {
        /** Waits until so many bytes may be copied. */
        void await(long bytes) throws InterruptedException;
    }

    /**
     * Copies all that's to be copied, from the drive's begin to its end.
     *
     * @return whether there was anything
     */
    boolean pass(Retrying retrying, Pace pace) throws IOException, InterruptedException {
        boolean wasDirty = false;
        long from = 0;
        int chunkBytes = commit.isActive() ? ACTIVE_CHUNK_BYTES : CHUNK_BYTES;
        for (Optional<Extent> next = take(from, chunkBytes); next.isPresent(); next = take(from, chunkBytes)) {
            wasDirty = true;
            Extent extent = next.get();
            boolean isCopied = false;
            try {
                reachedBytes = Math.max(reachedBytes, extent.offsetBytes());
                pace.await(extent.lengthBytes());
                copy(extent, retrying);
                isCopied = true;
            } finally {
                if (!isCopied) {
                    dirty.mark(extent.offsetBytes(), extent.lengthBytes());
                }
                underWayBytes = 0;
            }
            copied(extent);
            from = extent.endBytes();
        }
        reachedBytes = commit.top().backend().sizeBytes();
        return wasDirty;
    }

    private Optional<Extent> take(long fromBytes, int chunkBytes) {
        Optional<Extent> taken = dirty.take(fromBytes, chunkBytes);
        underWayBytes = taken.map(Extent::lengthBytes).orElse(0L);
        return taken;
    }

    private synchronized void copied(Extent extent) {
        copiedBytes += extent.lengthBytes();
        reachedBytes = Math.max(reachedBytes, extent.endBytes());
    }

    private void copy(Extent extent, Retrying retrying) throws IOException {
        long offsetBytes = extent.offsetBytes();
        int lengthBytes = (int) extent.lengthBytes();
        if (commit.top().backend().zeroBytes(offsetBytes, lengthBytes) >= lengthBytes) {
            retrying.run(
                    Operation.WRITE, () -> commit.base().io().zeroNow(offsetBytes, lengthBytes, ZeroMode.MAY_PUNCH));
            return;
        }
        retrying.run(
                Operation.READ,
                () -> commit.top().backend().read(offsetBytes, buffer.clear().limit(lengthBytes)));
        retrying.run(Operation.WRITE, () -> commit.base().io().writeNow(offsetBytes, buffer.slice(0, lengthBytes)));
    }
}
