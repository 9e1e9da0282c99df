package io.varve.bench;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.BackendAccess;
import io.varve.capture.nbd.BackendExport;
import io.varve.capture.nbd.Completion;
import io.varve.capture.nbd.Export;
import io.varve.capture.nbd.ExportRegistry;
import io.varve.capture.tracking.Agent;
import io.varve.capture.tracking.AgentOptions;
import io.varve.capture.tracking.AgentSurroundings;
import io.varve.capture.tracking.DriveImage;
import io.varve.capture.tracking.Transacted;
import io.varve.core.drive.Recording;
import io.varve.core.id.DriveId;
import io.varve.core.transaction.Action;
import io.varve.formats.nbd.NbdError;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * A write of 4 KiB through an agent's export to a backend that does nothing, with tracking and without: the difference
 * is all that tracking costs a write.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class TrackingBenchmark {
    private static final String DRIVE = "drive";
    private static final int BLOCK_BYTES = 4096;
    private static final int OFFSETS = 1 << 16;
    private static final Path MEMORY = Path.of("/dev/shm");

    /** The drive's size in TiB; its granularity is the usual one. */
    @Param({"1", "16"})
    public int tebibytes;

    /** How many bitmaps record. */
    @Param({"0", "1", "1000"})
    public int bitmaps;

    private final long[] offsets = new long[OFFSETS];
    private final ByteBuffer data = ByteBuffer.allocateDirect(BLOCK_BYTES);
    private final ExportRegistry exports = new ExportRegistry();
    private final Succeeding ended = new Succeeding();
    private Optional<Agent> agent = Optional.empty();
    private Optional<Path> folder = Optional.empty();
    private Export tracked = untracked(new IdleBackend(BLOCK_BYTES));
    private Export bare = tracked;
    private int next;

    /** A failure would make the figures worthless. */
    private static final class Succeeding implements Completion {
        @Override
        public void done() {}

        @Override
        public void failed(NbdError error, String reason) {
            throw new IllegalStateException(error + ": " + reason);
        }
    }

    private static Export untracked(Backend backend) {
        return new BackendExport(backend, BackendAccess.READ_WRITE, Runnable::run);
    }

    @Setup
    public void attach() throws IOException {
        Path work = Files.createTempDirectory(MEMORY, "varve-marks-");
        folder = Optional.of(work);
        long sizeBytes = (long) tebibytes << 40;
        Path image = work.resolve("drive.raw");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(sizeBytes);
        }
        Agent opened = Agent.open(
                AgentOptions.in(work.resolve("state"), work.resolve("live"), "unix:/none"),
                new AgentSurroundings(
                        exports, InstantSource.system(), System::nanoTime, new SecureRandom(), new UUID(1, 1)));
        agent = Optional.of(opened);
        Backend backend = new IdleBackend(sizeBytes);
        opened.attach(new DriveImage(new DriveId(DRIVE), image, backend));
        addBitmaps(opened);
        tracked = exports.find(DRIVE).orElseThrow();
        bare = untracked(backend);
        SplittableRandom random = new SplittableRandom(tebibytes);
        for (int index = 0; index < OFFSETS; index++) {
            offsets[index] = random.nextLong(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES;
        }
    }

    private void addBitmaps(Agent opened) {
        List<Action> actions = IntStream.range(0, bitmaps)
                .<Action>mapToObj(
                        index -> new Action.AddBitmap(DRIVE, "b" + index, Optional.empty(), true, Recording.ENABLED))
                .toList();
        if (!actions.isEmpty()
                && !(opened.transact(actions, io.varve.core.drive.Completion.INDIVIDUAL, opened.newSyncPointId())
                        instanceof Transacted.Done)) {
            throw new IllegalStateException("the bitmaps couldn't be added");
        }
    }

    @TearDown
    public void detach() throws IOException {
        if (agent.isPresent()) {
            agent.get().close();
        }
        if (folder.isPresent()) {
            try (Stream<Path> files = Files.walk(folder.get())) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    @Benchmark
    public void tracked() {
        tracked.write(offsets[next++ & (OFFSETS - 1)], data.clear(), ended);
    }

    @Benchmark
    public void untracked() {
        bare.write(offsets[next++ & (OFFSETS - 1)], data.clear(), ended);
    }
}
