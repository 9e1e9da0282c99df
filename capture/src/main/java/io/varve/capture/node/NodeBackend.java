package io.varve.capture.node;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.ZeroMode;
import io.varve.formats.nbd.StatusExtent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * A node's bytes, whose backend may be replaced while they're used: by one of another access or another size. A request
 * that meets the end of the old one goes to the new one.
 *
 * <p>Safe for any thread.
 */
public final class NodeBackend implements Backend {
    private volatile Backend now;
    private volatile Resizing resizing = sizeBytes -> now().resize(sizeBytes);
    private volatile Optional<ReentrantReadWriteLock> fence = Optional.empty();
    private volatile Optional<CompletableFuture<Void>> change = Optional.empty();
    private volatile Changed changed = (_, _) -> {};

    NodeBackend(Backend backend) {
        now = backend;
    }

    /** How the node gets another size, as {@link Backend#resize}. */
    @FunctionalInterface
    interface Resizing {
        boolean to(long sizeBytes) throws IOException;
    }

    void resizing(Resizing other) {
        resizing = other;
    }

    /** Hears of changes: of each when it was made, or tried, and before whoever made it does. */
    @FunctionalInterface
    public interface Changed {
        void range(long offsetBytes, long lengthBytes);
    }

    /** Has {@code listener} told of all changes from now on that end from now on, and nobody else. */
    public void watch(Changed listener) {
        changed = listener;
    }

    /** Ends {@link #watch}. */
    public void unwatch() {
        changed = (_, _) -> {};
    }

    /** What the requests go to at present. */
    public Backend now() {
        return now;
    }

    /** Sends requests to {@code next} from now on; what they went to is the caller's to close. */
    Backend replace(Backend next) {
        Backend before = now;
        now = next;
        return before;
    }

    /** Counts reads from now on, so that {@link #settle} can wait for them. */
    public synchronized void fence() {
        fence = fence.or(() -> Optional.of(new ReentrantReadWriteLock()));
    }

    /** Waits until the reads that have begun have ended, if they're counted. */
    @SuppressWarnings("LockNotBeforeTry") // There's nothing to do but to have it had.
    public void settle() {
        if (fence.isPresent()) {
            fence.get().writeLock().lock();
            fence.get().writeLock().unlock();
        }
    }

    /** What only looks at the bytes. */
    private interface Look<T> {
        T at(Backend backend) throws IOException;
    }

    private <T> T fenced(Look<T> look) throws IOException {
        Optional<ReentrantReadWriteLock> counted = fence;
        if (counted.isEmpty()) {
            return look.at(now);
        }
        counted.get().readLock().lock();
        try {
            return look.at(now);
        } finally {
            counted.get().readLock().unlock();
        }
    }

    /** A look at a backend that was closed meanwhile is made again, at the next one. */
    private <T> T looked(Look<T> look) throws IOException {
        while (true) {
            Backend backend = now;
            try {
                return fenced(look);
            } catch (IOException e) {
                throwUnlessReplaced(backend, e);
            }
        }
    }

    /** What takes the place of a backend, which it closes. */
    @FunctionalInterface
    interface Change {
        Backend after(Backend before) throws NodeRefusedException, IOException;
    }

    /** Changes over; requests that meet a closed backend meanwhile wait for the next one. */
    void change(Change next) throws NodeRefusedException, IOException {
        CompletableFuture<Void> changing = new CompletableFuture<>();
        change = Optional.of(changing);
        try {
            now = next.after(now);
        } finally {
            change = Optional.empty();
            changing.complete(null);
        }
    }

    @Override
    public long sizeBytes() {
        return now.sizeBytes();
    }

    @Override
    public void awaitServer(boolean isAwaited) {
        now.awaitServer(isAwaited);
    }

    @Override
    public boolean isRemote() {
        return now.isRemote();
    }

    @Override
    public Backend undisturbed() {
        return now.undisturbed();
    }

    @Override
    public long zeroBytes(long offsetBytes, long lengthBytes) throws IOException {
        return looked(backend -> backend.zeroBytes(offsetBytes, lengthBytes));
    }

    @Override
    public boolean resize(long sizeBytes) throws IOException {
        return resizing.to(sizeBytes);
    }

    @Override
    public void read(long offsetBytes, ByteBuffer into) throws IOException {
        Backend backend = now;
        int begin = into.position();
        int end = into.limit();
        try {
            if (fence.isEmpty()) {
                backend.read(offsetBytes, into);
            } else {
                boolean _ = fenced(_ -> {
                    backend.read(offsetBytes, into);
                    return true;
                });
            }
        } catch (IOException e) {
            throwUnlessReplaced(backend, e);
            into.limit(end).position(begin);
            read(offsetBytes, into);
        }
    }

    @Override
    public boolean readAtOnce(long offsetBytes, ByteBuffer into) throws IOException {
        int begin = into.position();
        int end = into.limit();
        return looked(backend -> backend.readAtOnce(offsetBytes, into.limit(end).position(begin)));
    }

    @Override
    public void willRead(long offsetBytes, long lengthBytes) {
        now.willRead(offsetBytes, lengthBytes);
    }

    @Override
    public void write(long offsetBytes, ByteBuffer data) throws IOException {
        int lengthBytes = data.remaining();
        try {
            writeUntold(offsetBytes, data);
        } finally {
            changed.range(offsetBytes, lengthBytes);
        }
    }

    private void writeUntold(long offsetBytes, ByteBuffer data) throws IOException {
        Backend backend = now;
        int begin = data.position();
        int end = data.limit();
        try {
            backend.write(offsetBytes, data);
        } catch (IOException e) {
            throwUnlessReplaced(backend, e);
            data.limit(end).position(begin);
            writeUntold(offsetBytes, data);
        }
    }

    @Override
    public void zero(long offsetBytes, long lengthBytes, ZeroMode mode) throws IOException {
        Backend backend = now;
        try {
            backend.zero(offsetBytes, lengthBytes, mode);
        } catch (IOException e) {
            throwUnlessReplaced(backend, e);
            zero(offsetBytes, lengthBytes, mode);
        } finally {
            changed.range(offsetBytes, lengthBytes);
        }
    }

    @Override
    public void trim(long offsetBytes, long lengthBytes) throws IOException {
        Backend backend = now;
        try {
            backend.trim(offsetBytes, lengthBytes);
        } catch (IOException e) {
            throwUnlessReplaced(backend, e);
            trim(offsetBytes, lengthBytes);
        } finally {
            changed.range(offsetBytes, lengthBytes);
        }
    }

    @Override
    public void flush() throws IOException {
        Backend backend = now;
        try {
            backend.flush();
        } catch (IOException e) {
            throwUnlessReplaced(backend, e);
            flush();
        }
    }

    @Override
    public List<StatusExtent> allocation(long offsetBytes, long lengthBytes, int extentsMax) throws IOException {
        return looked(backend -> backend.allocation(offsetBytes, lengthBytes, extentsMax));
    }

    @SuppressWarnings("ReferenceEquality") // Another one is meant, not one like it.
    private void throwUnlessReplaced(Backend backend, IOException failure) throws IOException {
        change.ifPresent(CompletableFuture::join);
        if (backend == now) {
            throw failure;
        }
    }

    @Override
    public void close() throws IOException {
        now.close();
    }
}
