package io.varve.bench;

import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** A mark alone: of a random 4 KiB block in a set that fills up, and in one that is full. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class MarkBenchmark {
    private static final int BLOCK_BYTES = 4096;
    private static final int OFFSETS = 1 << 16;

    /** The drive's size in TiB; its granularity is the usual one. */
    @Param({"1", "16"})
    public int tebibytes;

    private final long[] offsets = new long[OFFSETS];
    private Marks filling = Marks.none(new Granularity(65536), 65536);
    private Marks full = filling;
    private int next;

    @Setup(Level.Iteration)
    public void prepare() {
        SplittableRandom random = new SplittableRandom(tebibytes);
        long sizeBytes = (long) tebibytes << 40;
        filling = Marks.none(new Granularity(65536), sizeBytes);
        full = Marks.none(new Granularity(65536), sizeBytes);
        full.mark(0, sizeBytes);
        for (int index = 0; index < OFFSETS; index++) {
            offsets[index] = random.nextLong(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES;
        }
    }

    @Benchmark
    public void scattered() {
        filling.mark(offsets[next++ & (OFFSETS - 1)], BLOCK_BYTES);
    }

    @Benchmark
    public void marked() {
        full.mark(offsets[next++ & (OFFSETS - 1)], BLOCK_BYTES);
    }
}
