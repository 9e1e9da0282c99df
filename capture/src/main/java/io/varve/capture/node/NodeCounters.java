package io.varve.capture.node;

import java.util.concurrent.atomic.LongAdder;

/** What was asked of a node from outside, since it was made: requests and their bytes. Safe for any thread. */
public final class NodeCounters {
    private final LongAdder reads = new LongAdder();
    private final LongAdder readBytes = new LongAdder();
    private final LongAdder writes = new LongAdder();
    private final LongAdder writtenBytes = new LongAdder();
    private final LongAdder trims = new LongAdder();
    private final LongAdder trimmedBytes = new LongAdder();
    private final LongAdder flushes = new LongAdder();

    NodeCounters() {}

    void read(long bytes) {
        reads.increment();
        readBytes.add(bytes);
    }

    void written(long bytes) {
        writes.increment();
        writtenBytes.add(bytes);
    }

    void trimmed(long bytes) {
        trims.increment();
        trimmedBytes.add(bytes);
    }

    void flushed() {
        flushes.increment();
    }

    /** What they stand at. */
    public record Values(Requests reads, Requests writes, Requests trims, long flushes) {}

    /** Of one kind. */
    public record Requests(long count, long bytes) {}

    /** Read one after the other, so they needn't fit together while requests come. */
    public Values values() {
        return new Values(
                new Requests(reads.sum(), readBytes.sum()),
                new Requests(writes.sum(), writtenBytes.sum()),
                new Requests(trims.sum(), trimmedBytes.sum()),
                flushes.sum());
    }
}
