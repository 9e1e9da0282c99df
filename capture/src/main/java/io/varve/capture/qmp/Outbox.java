package io.varve.capture.qmp;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** What a monitor is still to be told, up to a limit. Safe for any thread. */
final class Outbox {
    /** A monitor that leaves more than this unread is given up. */
    static final int BYTES_MAX = 4 << 20;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Deque<byte[]> lines = new ArrayDeque<>();
    private long bytes;
    private boolean ended;

    /** Never blocks; refuses when there's no room, or after the end. */
    boolean offer(byte[] line) {
        lock.lock();
        try {
            if (ended || bytes + line.length > BYTES_MAX) {
                return false;
            }
            lines.add(line);
            bytes += line.length;
            changed.signalAll();
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Waits for the next line; empty after the end, when all was taken. */
    Optional<byte[]> take() throws InterruptedException {
        lock.lock();
        try {
            while (lines.isEmpty() && !ended) {
                changed.await();
            }
            Optional<byte[]> next = Optional.ofNullable(lines.poll());
            next.ifPresent(line -> bytes -= line.length);
            return next;
        } finally {
            lock.unlock();
        }
    }

    void end() {
        lock.lock();
        try {
            ended = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
