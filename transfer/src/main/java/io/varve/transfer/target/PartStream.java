package io.varve.transfer.target;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Cuts a stream of bytes into parts and writes them to a target, several at a time. The first part is kept until the
 * end, since what stands at its beginning is known only then.
 *
 * <p>Thread: one appends; the parts are written by threads of their own.
 */
final class PartStream implements AutoCloseable {
    private final ImageTarget target;
    private final PartPlan plan;
    private final ByteBuffer head;
    private final BlockingQueue<ByteBuffer> free;
    private final ExecutorService writers;
    private final Deque<Future<?>> writing = new ArrayDeque<>();
    /** The first part's that couldn't be written. Guarded by this. */
    private Optional<IOException> failure = Optional.empty();

    /** The part that's being filled. */
    private ByteBuffer part;

    private int number = 1;
    /** Buffers made so far, the head's included. */
    private int buffers = 1;

    /** A stream that begins behind {@code reservedBytes}. */
    PartStream(ImageTarget target, PartPlan plan, int reservedBytes) {
        this.target = target;
        this.plan = plan;
        head = ByteBuffer.allocate(plan.partBytes());
        head.position(reservedBytes);
        part = head;
        free = new ArrayBlockingQueue<>(plan.buffers());
        writers = Executors.newFixedThreadPool(
                plan.buffers() - 2,
                Thread.ofPlatform().daemon().name("write-part-", 0).factory());
    }

    /** Appends a copy of what remains of {@code bytes}; waits while as many parts are on their way as may be. */
    void append(ByteBuffer bytes) throws IOException, InterruptedException {
        ByteBuffer rest = bytes.duplicate();
        while (rest.hasRemaining()) {
            if (!part.hasRemaining()) {
                nextPart();
            }
            int lengthBytes = Math.min(rest.remaining(), part.remaining());
            part.put(rest.slice(rest.position(), lengthBytes));
            rest.position(rest.position() + lengthBytes);
        }
    }

    private void nextPart() throws IOException, InterruptedException {
        write();
        throwFailure();
        if (free.isEmpty() && buffers < plan.buffers()) {
            buffers++;
            part = ByteBuffer.allocate(plan.partBytes());
        } else {
            part = free.take();
            throwFailure();
        }
        number++;
    }

    private void write() {
        if (number == 1) {
            return;
        }
        ByteBuffer full = part;
        int fullNumber = number;
        writing.removeIf(Future::isDone);
        writing.add(writers.submit(() -> write(fullNumber, full)));
    }

    private void write(int partNumber, ByteBuffer full) {
        try {
            if (failure().isEmpty()) {
                target.writePart(partNumber, (long) (partNumber - 1) * plan.partBytes(), full.flip());
            }
        } catch (IOException e) {
            fail(e);
        } catch (RuntimeException e) {
            fail(new IOException(e.toString(), e));
        } finally {
            free.add(full.clear());
        }
    }

    private synchronized Optional<IOException> failure() {
        return failure;
    }

    private synchronized void fail(IOException reason) {
        if (failure.isEmpty()) {
            failure = Optional.of(reason);
        }
    }

    private void throwFailure() throws IOException {
        Optional<IOException> known = failure();
        if (known.isPresent()) {
            throw new IOException(known.get().getMessage(), known.get());
        }
    }

    /** Waits for all parts, then writes the first one, which begins with {@code header}. */
    void finish(ByteBuffer header) throws IOException, InterruptedException {
        write();
        for (Future<?> one : writing) {
            await(one);
        }
        throwFailure();
        head.put(0, header, header.position(), header.remaining());
        await(writers.submit(() -> writeHead()));
        throwFailure();
    }

    private void writeHead() {
        try {
            target.writePart(1, 0, head.flip());
        } catch (IOException e) {
            fail(e);
        }
    }

    private static void await(Future<?> written) throws IOException, InterruptedException {
        try {
            written.get();
        } catch (ExecutionException e) {
            throw new IOException("a part couldn't be written: " + e.getMessage(), e);
        }
    }

    /** Interrupts what's on its way, and returns when none of it can reach the target any more. */
    @Override
    public void close() {
        writers.shutdownNow();
        writers.close();
    }
}
