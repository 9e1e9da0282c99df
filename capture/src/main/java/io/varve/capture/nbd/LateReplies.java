package io.varve.capture.nbd;

import io.varve.formats.nbd.ReplyEncoder;
import io.varve.formats.nbd.ReplyStyle;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.Queue;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends the replies to requests that ended after their method had returned, from a thread of its own, so that whoever
 * completes a request never waits for a slow client. The thread is started with the first such request.
 *
 * <p>Bounded: the connection's thread waits while too many requests, or too many bytes of them, are unanswered.
 */
final class LateReplies implements Consumer<RequestSlot>, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LateReplies.class);
    private static final int UNANSWERED_MAX = 128;

    private final Outbox outbox;
    private final ReplyStyle style;
    private final String threadName;
    // All below is guarded by this.
    private final Queue<RequestSlot> ended = new ArrayDeque<>();
    private Optional<Thread> sender = Optional.empty();
    private int unanswered;
    private boolean closed;

    LateReplies(Outbox outbox, ReplyStyle style, String threadName) {
        this.outbox = outbox;
        this.style = style;
        this.threadName = threadName;
    }

    /** Counts a request that will end later, which it may have done already. Thread: the connection's only. */
    synchronized void expect() {
        unanswered++;
        if (sender.isEmpty()) {
            sender = Optional.of(Thread.ofPlatform().daemon().name(threadName).start(this::run));
        }
    }

    /** Waits until another request may begin. Thread: the connection's only. */
    synchronized void awaitRoom() {
        while (unanswered >= UNANSWERED_MAX && !closed) {
            waitForChange();
        }
    }

    /** Waits until every request is answered. Thread: the connection's only. */
    synchronized void awaitAll() {
        while (unanswered > 0 && !closed) {
            waitForChange();
        }
    }

    @Override
    public synchronized void accept(RequestSlot slot) {
        ended.add(slot);
        notifyAll();
    }

    @Override
    public synchronized void close() {
        closed = true;
        notifyAll();
    }

    private void run() {
        ByteBuffer out = ByteBuffer.allocateDirect(16 * ReplyEncoder.ERROR_BYTES_MAX);
        try {
            for (int count = take(out); count > 0; count = take(out)) {
                outbox.send(out.flip());
                answered(count);
            }
        } catch (IOException e) {
            LOG.debug("{}: the client is gone: {}", threadName, e.getMessage());
            close();
        }
    }

    /** Fills {@code out} with replies; 0 when there will be none. */
    private synchronized int take(ByteBuffer out) {
        while (ended.isEmpty() && !closed) {
            waitForChange();
        }
        out.clear();
        int count = 0;
        while (!closed && !ended.isEmpty() && out.remaining() >= ReplyEncoder.ERROR_BYTES_MAX) {
            ended.remove().encode(style, out);
            count++;
        }
        return count;
    }

    private synchronized void answered(int count) {
        unanswered -= count;
        notifyAll();
    }

    private void waitForChange() {
        try {
            wait();
        } catch (InterruptedException e) {
            // Nobody interrupts these threads; if someone does, the connection ends.
            closed = true;
        }
    }
}
