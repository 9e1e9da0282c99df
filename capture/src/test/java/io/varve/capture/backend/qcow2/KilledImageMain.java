package io.varve.capture.backend.qcow2;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.BackendAccess;
import io.varve.capture.backend.ZeroMode;
import io.varve.embedded.child.ParentWatch;
import io.varve.embedded.child.ReadyLine;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.SplittableRandom;

/** Changes an image until it's killed by {@link KilledImageTest}; each thread has a part of the drive of its own. */
final class KilledImageMain {
    static final int SIZE_BYTES = 4 << 20;
    static final int THREADS = 2;
    static final int PART_BYTES = SIZE_BYTES / THREADS;
    static final int RECORD_BYTES = 4 * Long.BYTES;
    static final long ENDED = 0;
    static final long WRITE = 1;
    static final long ZERO = 2;

    private final Backend backend;
    private final FileChannel log;
    private final SplittableRandom random;
    private final int thread;
    private final int clusterBytes;

    private KilledImageMain(Backend backend, Path folder, SplittableRandom random, int thread, int clusterBytes)
            throws IOException {
        this.backend = backend;
        this.random = random;
        this.thread = thread;
        this.clusterBytes = clusterBytes;
        log = FileChannel.open(log(folder, thread), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    }

    static Path log(Path folder, int thread) {
        return folder.resolve("log" + thread);
    }

    /**
     * Writes until it is killed.
     *
     * @param arguments folder, seed, cluster bytes
     */
    public static void main(String... arguments) throws Exception {
        ParentWatch.start(System.in, () -> Runtime.getRuntime().halt(3));
        Path folder = Path.of(arguments[0]);
        SplittableRandom random = new SplittableRandom(Long.parseLong(arguments[1]));
        Backend backend =
                Qcow2Backend.open(folder.resolve("drive.qcow2"), BackendAccess.READ_WRITE, BackingRule.FOLLOW);
        for (int thread = 0; thread < THREADS; thread++) {
            KilledImageMain writer =
                    new KilledImageMain(backend, folder, random.split(), thread, Integer.parseInt(arguments[2]));
            Thread.ofPlatform().start(writer::run);
        }
        new ReadyLine("drive").print(System.out);
    }

    private void run() {
        try {
            for (long step = 1; ; step++) {
                step(step);
            }
        } catch (IOException | RuntimeException | Error e) {
            e.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
    }

    private void step(long step) throws IOException {
        int kind = random.nextInt(10);
        if (kind == 0) {
            backend.flush();
        } else if (kind <= 2) {
            // Whole clusters, of which it's known what they are after a trim.
            int clusters = PART_BYTES / clusterBytes;
            int first = random.nextInt(clusters);
            int count = 1 + random.nextInt(Math.min(16, clusters - first));
            long offset = (long) thread * PART_BYTES + (long) first * clusterBytes;
            note(step, ZERO, offset, (long) count * clusterBytes);
            if (kind == 1) {
                backend.trim(offset, (long) count * clusterBytes);
            } else {
                backend.zero(
                        offset,
                        (long) count * clusterBytes,
                        random.nextBoolean() ? ZeroMode.MAY_PUNCH : ZeroMode.KEEP_ALLOCATED);
            }
            note(step, ENDED, 0, 0);
        } else {
            int first = random.nextInt(PART_BYTES / 512);
            int length = 512 * (1 + random.nextInt(Math.min(64, PART_BYTES / 512 - first)));
            long offset = (long) thread * PART_BYTES + first * 512L;
            note(step, WRITE, offset, length);
            ByteBuffer data = ByteBuffer.allocate(length);
            while (data.hasRemaining()) {
                data.putLong(word(thread, step));
            }
            backend.write(offset, data.flip());
            note(step, ENDED, 0, 0);
        }
    }

    /** What a write is known by. */
    static long word(int thread, long step) {
        return (step << 8) | (thread + 1);
    }

    private void note(long step, long kind, long offset, long length) throws IOException {
        log.write(ByteBuffer.allocate(RECORD_BYTES)
                .putLong(step)
                .putLong(kind)
                .putLong(offset)
                .putLong(length)
                .flip());
    }
}
