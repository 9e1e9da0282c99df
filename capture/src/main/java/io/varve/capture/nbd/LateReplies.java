package io.varve.capture.nbd;

import io.varve.formats.nbd.ReplyEncoder;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends the replies to requests that ended after their method had returned, from a thread of its own, so that whoever
 * completes a request never waits for a slow client. The thread is started with the first such request.
 *
 * <p>Bounded: the connection's thread waits while those that are unanswered weigh too much.
 */
final class LateReplies implements Consumer<RequestSlot>, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LateReplies.class);
    private static final int UNANSWERED_WEIGHT_MAX = 256;

    private final Outbox outbox;
    private final ReplyEncoder encoder;
    private final String threadName;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final AtomicInteger unansweredWeight = new AtomicInteger(); // Changed within the lock.
    // All below is guarded by the lock.
    private final Queue<RequestSlot> ended = new ArrayDeque<>();
    private Optional<Thread> sender = Optional.empty();
    private boolean closed;

    LateReplies(Outbox outbox, ReplyEncoder encoder, String threadName) {
        this.outbox = outbox;
        this.encoder = encoder;
        this.threadName = threadName;
    }

    /** Counts a request that will end later, which it may have done already. Thread: the connection's only. */
    void expect(RequestSlot slot) {
        lock.lock();
        try {
            unansweredWeight.getAndAdd(slot.weight());
            if (sender.isEmpty()) {
                sender = Optional.of(
                        Thread.ofPlatform().daemon().name(threadName).start(this::run));
            }
        } finally {
            lock.unlock();
        }
    }

    /** Whether every request is answered. Thread: the connection's only. */
    boolean isIdle() {
        return unansweredWeight.get() == 0;
    }

    /** Waits until another request may begin. Thread: the connection's only. */
    void awaitRoom() {
        awaitAtMost(UNANSWERED_WEIGHT_MAX);
    }

    /** Waits until every request is answered. Thread: the connection's only. */
    void awaitAll() {
        awaitAtMost(0);
    }

    private void awaitAtMost(int weightMax) {
        lock.lock();
        try {
            while (unansweredWeight.get() > weightMax && !closed) {
                changed.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void accept(RequestSlot slot) {
        lock.lock();
        try {
            ended.add(slot);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void run() {
        ByteBuffer out = ByteBuffer.allocateDirect(16 * ReplyEncoder.ERROR_BYTES_MAX);
        try {
            for (int weight = take(out); weight > 0; weight = take(out)) {
                outbox.send(out.flip());
                answered(weight);
            }
        } catch (IOException e) {
            LOG.debug("{}: the client is gone: {}", threadName, e.getMessage());
            close();
        }
    }

    /** Fills {@code out} with replies, and tells their weight; 0 when there will be none. */
    private int take(ByteBuffer out) {
        out.clear();
        lock.lock();
        try {
            while (ended.isEmpty() && !closed) {
                changed.awaitUninterruptibly();
            }
            int weight = 0;
            while (!closed && !ended.isEmpty() && out.remaining() >= ReplyEncoder.ERROR_BYTES_MAX) {
                RequestSlot slot = ended.remove();
                slot.encode(encoder, out);
                weight += slot.weight();
            }
            return weight;
        } finally {
            lock.unlock();
        }
    }

    private void answered(int weight) {
        lock.lock();
        try {
            unansweredWeight.getAndAdd(-weight);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
