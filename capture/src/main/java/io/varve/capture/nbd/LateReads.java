package io.varve.capture.nbd;

import io.varve.formats.nbd.NbdCommand;
import io.varve.formats.nbd.NbdRequest;
import io.varve.formats.nbd.NbdSession;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads of one connection that wait for a device, many at once: each by a thread that also sends its reply, in whatever
 * order they end.
 *
 * <p>The threads are the connection's own, so a client that doesn't take its replies holds up none but itself; they are
 * started when they're needed, and end when they weren't for a while. Bounded: the connection's thread waits while too
 * many reads are unanswered.
 */
final class LateReads implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LateReads.class);
    private static final int READERS_MAX = 16;
    private static final int UNANSWERED_MAX = 64;
    private static final long IDLE_SECONDS_MAX = 1;
    private static final Rest NOTHING = new Rest(new NbdRequest(0, NbdCommand.READ, 0, 0, 0), 0);

    /** A READ whose first {@code doneBytes} are answered, or a CACHE. */
    private record Rest(NbdRequest request, long doneBytes) {
        long lengthBytes() {
            return request.lengthBytes() - doneBytes;
        }
    }

    private final NbdSession session;
    private final Export export;
    private final Outbox outbox;
    private final String threadName = Thread.currentThread().getName() + "-reader";
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition given = lock.newCondition();
    private final Condition ended = lock.newCondition();
    private final AtomicInteger unanswered = new AtomicInteger(); // Changed within the lock.
    // All below is guarded by the lock.
    private final Queue<Rest> waiting = new ArrayDeque<>();
    private int readers;
    private int idleReaders;
    private boolean closed;

    /** Made by the connection's thread. */
    LateReads(NbdSession session, Export export, Outbox outbox) {
        this.session = session;
        this.export = export;
        this.outbox = outbox;
    }

    /** Whether every read is answered. Thread: the connection's only. */
    boolean isIdle() {
        return unanswered.get() == 0;
    }

    /**
     * Has a CACHE answered, or a READ whose first {@code doneBytes} are answered and sent, as soon as there are few
     * enough. Thread: the connection's only.
     */
    void read(NbdRequest request, long doneBytes) {
        lock.lock();
        try {
            awaitAtMost(UNANSWERED_MAX - 1);
            if (closed) {
                return;
            }
            unanswered.getAndIncrement();
            waiting.add(new Rest(request, doneBytes));
            if (waiting.size() > idleReaders && readers < READERS_MAX) {
                startReader();
            } else {
                given.signal();
            }
        } finally {
            lock.unlock();
        }
    }

    private void startReader() {
        readers++;
        Thread.ofPlatform().daemon().name(threadName).start(this::run);
    }

    /** Waits until every read is answered, or the client is gone. Thread: the connection's only. */
    void awaitAll() {
        lock.lock();
        try {
            awaitAtMost(0);
        } finally {
            lock.unlock();
        }
    }

    private void awaitAtMost(int count) {
        while (unanswered.get() > count && !closed) {
            ended.awaitUninterruptibly();
        }
    }

    /**
     * Returns when nothing of this touches the export any more. A client with reads that are unanswered is at fault or
     * gone: it's disconnected, for it may not take what its readers have to send.
     */
    @Override
    public void close() {
        if (!isIdle()) {
            disconnect();
        }
        lock.lock();
        try {
            shut();
            while (readers > 0) {
                ended.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }

    private void shut() {
        closed = true;
        given.signalAll();
        ended.signalAll();
    }

    private void run() {
        boolean orderly = false;
        try {
            Outbox own = outbox.forAnotherThread();
            ReadReplies replies = new ReadReplies(session, export, own);
            for (Rest rest = take(); rest.lengthBytes() > 0; rest = take()) {
                answer(rest, replies);
                own.flush();
                answered();
            }
            orderly = true;
        } catch (IOException e) {
            LOG.debug("{}: the client is gone: {}", threadName, e.getMessage());
        } catch (RuntimeException e) {
            LOG.error("{}: disconnected because of a bug", threadName, e);
        } finally {
            if (!orderly) {
                disconnect();
            }
            leave();
        }
    }

    private void answer(Rest rest, ReadReplies replies) throws IOException {
        NbdRequest request = rest.request();
        if (rest.lengthBytes() > ReadReplies.PIECE_BYTES) {
            // Else the device would have one piece to do at a time.
            export.willRead(request.offsetBytes() + rest.doneBytes(), rest.lengthBytes());
        }
        if (request.command() == NbdCommand.CACHE) {
            replies.cache(request);
        } else {
            replies.readRest(request, rest.doneBytes());
        }
    }

    /** The next request; one of 0 bytes when the thread is to end. */
    private Rest take() {
        lock.lock();
        try {
            long leftNanos = TimeUnit.SECONDS.toNanos(IDLE_SECONDS_MAX);
            idleReaders++;
            while (waiting.isEmpty() && !closed && leftNanos > 0) {
                leftNanos = given.awaitNanos(leftNanos);
            }
            idleReaders--;
            return closed || waiting.isEmpty() ? NOTHING : waiting.remove();
        } catch (InterruptedException e) {
            // Nobody interrupts these threads.
            throw new IllegalStateException(threadName + " was interrupted", e);
        } finally {
            lock.unlock();
        }
    }

    private void answered() {
        lock.lock();
        try {
            unanswered.getAndDecrement();
            ended.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void leave() {
        lock.lock();
        try {
            readers--;
            if (!waiting.isEmpty() && !closed) {
                // It was given while this thread was on its way out.
                startReader();
            }
            ended.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void disconnect() {
        lock.lock();
        try {
            shut();
        } finally {
            lock.unlock();
        }
        try {
            outbox.disconnect();
        } catch (IOException e) {
            LOG.debug("{}: {}", threadName, e.getMessage());
        }
    }
}
