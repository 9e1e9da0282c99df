package io.varve.capture.node;

import io.varve.capture.backend.ZeroMode;
import io.varve.capture.nbd.Completion;
import io.varve.capture.nbd.Export;
import io.varve.formats.nbd.StatusExtent;
import io.varve.formats.nbd.TransmissionFlag;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;

/**
 * A device over a node that may be replaced under it while guests write: each change is made to one node or the other,
 * and those to the old one have ended before the new one is there. The guest notices nothing but a moment's wait.
 *
 * <p>A write counts itself in, and then looks whether it may go on; whoever replaces the node says first that nobody
 * may, and then looks whether anybody is in. So one of both sees the other. The counts only grow: what has ended is
 * read before what has begun, and when they agree, nothing was in flight in between.
 *
 * <p>Safe for any thread.
 */
public final class DeviceIo implements Export {
    private static final long LOOK_NANOS = 50_000;

    private final LongAdder begun = new LongAdder();
    private final LongAdder ended = new LongAdder();
    private volatile Node node;
    private volatile Optional<CompletableFuture<Void>> replacing = Optional.empty();

    public DeviceIo(Node node) {
        this.node = node;
    }

    /** Puts another node under the device; waits until the changes in flight have ended. */
    public synchronized void replace(Node other) {
        CompletableFuture<Void> replaced = new CompletableFuture<>();
        replacing = Optional.of(replaced);
        try {
            while (ended.sum() != begun.sum()) {
                LockSupport.parkNanos(LOOK_NANOS);
            }
            node = other;
        } finally {
            replacing = Optional.empty();
            replaced.complete(null);
        }
    }

    private NodeIo admitted() {
        begun.increment();
        Optional<CompletableFuture<Void>> wait = replacing;
        while (wait.isPresent()) {
            ended.increment();
            wait.get().join();
            begun.increment();
            wait = replacing;
        }
        return node.io();
    }

    private Completion counted(Completion completion) {
        return new CountedCompletion(completion, ended);
    }

    @Override
    public long sizeBytes() {
        return node.io().sizeBytes();
    }

    @Override
    public Set<TransmissionFlag> flags() {
        return node.io().flags();
    }

    @Override
    public List<String> metaContexts() {
        return node.io().metaContexts();
    }

    @Override
    public void read(long offsetBytes, ByteBuffer into) throws IOException {
        node.io().read(offsetBytes, into);
    }

    @Override
    public boolean readAtOnce(long offsetBytes, ByteBuffer into) throws IOException {
        return node.io().readAtOnce(offsetBytes, into);
    }

    @Override
    public void willRead(long offsetBytes, long lengthBytes) {
        node.io().willRead(offsetBytes, lengthBytes);
    }

    @Override
    public long zeroBytes(long offsetBytes, long lengthBytes) throws IOException {
        return node.io().zeroBytes(offsetBytes, lengthBytes);
    }

    @Override
    public void write(long offsetBytes, ByteBuffer data, Completion completion) {
        admitted().write(offsetBytes, data, counted(completion));
    }

    @Override
    public void writeZeroes(long offsetBytes, long lengthBytes, ZeroMode mode, Completion completion) {
        admitted().writeZeroes(offsetBytes, lengthBytes, mode, counted(completion));
    }

    @Override
    public void trim(long offsetBytes, long lengthBytes, Completion completion) {
        admitted().trim(offsetBytes, lengthBytes, counted(completion));
    }

    @Override
    public void flush(Completion completion) {
        node.io().flush(completion);
    }

    @Override
    public List<StatusExtent> blockStatus(String context, long offsetBytes, long lengthBytes, int extentsMax)
            throws IOException {
        return node.io().blockStatus(context, offsetBytes, lengthBytes, extentsMax);
    }
}
