package io.varve.simulator;

import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.function.Supplier;

/** The virtual clock, what is to happen on it, and all chance of a run: one thread, no real time. */
final class Schedule {
    private static final int TRACE_MAX = 20_000;

    private final SplittableRandom random;
    private final boolean isTraced;
    private final List<String> trace = new ArrayList<>();
    private final PriorityQueue<Due> queue = new PriorityQueue<>();
    private long nowMillis;
    private long order;
    private int events;

    /** @param isTraced whether notes are kept, which costs time */
    Schedule(long seed, boolean isTraced) {
        this.random = new SplittableRandom(seed);
        this.isTraced = isTraced;
    }

    private record Due(long atMillis, long order, Runnable event) implements Comparable<Due> {
        @Override
        public int compareTo(Due other) {
            return atMillis != other.atMillis
                    ? Long.compare(atMillis, other.atMillis)
                    : Long.compare(order, other.order);
        }
    }

    void after(long millis, Runnable event) {
        queue.add(new Due(nowMillis + millis, order++, event));
    }

    /** Makes the next thing happen; false when there is nothing any more, or nothing until {@code endMillis}. */
    boolean step(long endMillis) {
        Due next = queue.peek();
        if (next == null || next.atMillis() > endMillis) {
            return false;
        }
        queue.remove(next);
        nowMillis = next.atMillis();
        events++;
        next.event().run();
        return true;
    }

    long nowMillis() {
        return nowMillis;
    }

    int events() {
        return events;
    }

    /** A number in [0, bound). */
    int pick(int bound) {
        return random.nextInt(bound);
    }

    /** A number in [from, to]. */
    int between(int from, int to) {
        return random.nextInt(from, to + 1);
    }

    boolean chance(int percent) {
        return random.nextInt(100) < percent;
    }

    UUID id() {
        return new UUID(random.nextLong(), random.nextLong());
    }

    <T> T any(List<T> of) {
        return of.get(pick(of.size()));
    }

    /** Writes down what happened, if anybody reads it. */
    void note(Supplier<String> text) {
        if (isTraced && trace.size() < TRACE_MAX) {
            trace.add(String.format("%7d ms  %s", nowMillis, text.get()));
        }
    }

    List<String> trace() {
        return trace;
    }
}
