package io.varve.capture.snapshot;

import io.varve.core.bits.Extent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a snapshot keeps of old content: in its fleece, and with whoever else wants it. Safe for any thread. */
final class KeptContent {
    private static final Logger LOG = LoggerFactory.getLogger(KeptContent.class);

    private final String snapshot;
    private final Fleece fleece;

    /** Copies share it; whoever comes to take old content has it alone, so that each copy is either seen or comes. */
    private final ReentrantReadWriteLock coming = new ReentrantReadWriteLock();

    private volatile Optional<OldContent> other = Optional.empty();

    KeptContent(String snapshot, Fleece fleece) {
        this.snapshot = snapshot;
        this.fleece = fleece;
    }

    long keptBytes() {
        return fleece.keptBytes();
    }

    /** Keeps what remains of {@code content}; {@code kept} is run then. */
    void keep(long offsetBytes, ByteBuffer content, Runnable kept) throws IOException {
        coming.readLock().lock();
        try {
            fleece.keep(offsetBytes, content.duplicate());
            if (other.isPresent()) {
                other.get().keep(offsetBytes, content.duplicate());
            }
            kept.run();
        } finally {
            coming.readLock().unlock();
        }
    }

    /** Has {@code taker} get all old content: what's kept already, before the return, and what will be. */
    void shareWith(OldContent taker, Supplier<List<Extent>> kept) throws IOException {
        coming.writeLock().lock();
        try {
            other = Optional.of(taker);
            for (Extent extent : kept.get()) {
                ByteBuffer content = ByteBuffer.allocate(Math.toIntExact(extent.lengthBytes()));
                fleece.read(extent.offsetBytes(), content);
                taker.keep(extent.offsetBytes(), content.flip());
            }
        } finally {
            coming.writeLock().unlock();
        }
    }

    void broke(String reason) {
        other.ifPresent(taker -> taker.broke(reason));
    }

    void read(long offsetBytes, ByteBuffer into) throws IOException {
        fleece.read(offsetBytes, into);
    }

    void drop(List<Extent> kept) {
        for (Extent extent : kept) {
            try {
                fleece.drop(extent.offsetBytes(), extent.lengthBytes());
            } catch (IOException e) {
                LOG.debug("snapshot '{}' couldn't give back space: {}", snapshot, e.getMessage());
            }
        }
    }

    void close() {
        try {
            fleece.close();
        } catch (IOException e) {
            LOG.warn("the fleece of snapshot '{}' couldn't be closed: {}", snapshot, e.getMessage());
        }
    }
}
