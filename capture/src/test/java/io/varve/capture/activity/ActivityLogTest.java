package io.varve.capture.activity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.activity.ActivityFile.Content;
import io.varve.core.activity.RegionSpan;
import io.varve.core.id.IncarnationId;
import io.varve.core.id.JournalId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ActivityLogTest {
    private static final int REGION = RegionSpan.REGION_BYTES;
    private static final int THREADS = 8;
    private static final int WRITES = 300;
    private static final int LOOKS_MAX = 10;

    @TempDir
    Path directory;

    private long millis = 1_000_000;

    @Test
    void shouldHaveARegionInTheFileBeforeAWriteGoesOn() throws IOException { // I2
        try (ActivityLog log = log(4, except -> new BitSet(), () -> 1)) {
            assertFalse(log.admits(5L * REGION + 17, 512));
            log.await(0, 5L * REGION + 17, 512);

            assertEquals(List.of(new RegionSpan(5, 1)), record().spans());
            assertTrue(log.admits(5L * REGION, REGION));
            assertFalse(log.admits(5L * REGION, REGION + 1), "the next region is cold");
        }
    }

    @Test
    void shouldGoOnWithoutALogThatCannotKeepMarksOnceItIsGone() throws IOException { // I9, reliability 6.24
        try (ActivityLog log = log(1, except -> new BitSet(), () -> {
            throw new IOException("no space left on device");
        })) {
            for (int region = 0; region < 40; region++) {
                log.await(0, (long) region * REGION, 512);
            }

            assertTrue(log.isOff());
            assertEquals(new Content.Absent(), ActivityFile.read(directory));
            assertTrue(log.admits(77L * REGION, 1));
        }
    }

    @Test
    void shouldRenewTheLeaseOfTheImage() throws IOException { // design 3, image identity
        try (ActivityLog log = log(4, except -> new BitSet(), () -> 1)) {
            log.await(0, 0, 512);
            long first = record().leaseMillis();
            assertTrue(first > millis);

            millis = first - 1;
            assertTrue(log.admits(0, 512), "it lasts still, and is renewed meanwhile");
            long second = record().leaseMillis();
            assertTrue(second > first);

            millis = second + 1;
            log.awaitLease();
            assertTrue(record().leaseMillis() > millis);

            millis = record().leaseMillis() + 1;
            log.await(0, 0, 512);
            assertTrue(record().leaseMillis() > millis, "a hot region doesn't do");
        }
    }

    /** Writes from many threads, over more regions than may be hot: each finds its regions in the file meanwhile. */
    @Test
    void shouldKeepWhatIsBeingWrittenInTheFile() throws Exception { // I1, I2, reliability 6.16
        AtomicIntegerArray firsts = new AtomicIntegerArray(THREADS);
        AtomicIntegerArray counts = new AtomicIntegerArray(THREADS);
        AtomicInteger persisted = new AtomicInteger();
        WritesInFlight inFlight = except -> {
            BitSet regions = new BitSet();
            for (int slot = 0; slot < THREADS; slot++) {
                int count = counts.get(slot);
                if (count > 0 && !except.get(slot)) {
                    regions.set(firsts.get(slot), firsts.get(slot) + count);
                }
            }
            return regions;
        };
        SplittableRandom random = new SplittableRandom(Long.getLong("varve.seed", 1L));
        try (ExecutorService work = Executors.newCachedThreadPool();
                ActivityLog log = log(2, inFlight, persisted::incrementAndGet, work)) {
            List<CompletableFuture<Void>> writers = new ArrayList<>();
            for (int slot = 0; slot < THREADS; slot++) {
                int own = slot;
                SplittableRandom chance = random.split();
                writers.add(CompletableFuture.runAsync(
                        () -> {
                            for (int write = 0; write < WRITES; write++) {
                                int count = chance.nextInt(20) == 0 ? 20 : 1 + chance.nextInt(2);
                                firsts.set(own, chance.nextInt(100));
                                counts.set(own, count);
                                write(log, own, firsts.get(own), count);
                                counts.set(own, 0);
                            }
                        },
                        work));
            }
            CompletableFuture.allOf(writers.toArray(new CompletableFuture<?>[0]))
                    .join();
            assertFalse(log.isOff());
        }
        assertTrue(persisted.get() > 0, "regions were retired");
    }

    private void write(ActivityLog log, int slot, int first, int count) {
        long offsetBytes = (long) first * REGION;
        long lengthBytes = (long) count * REGION;
        if (!log.admits(offsetBytes, lengthBytes)) {
            log.await(slot, offsetBytes, lengthBytes);
        }
        BitSet covered = new BitSet();
        // What is read while both records are written anew may be old; what is in flight stays in all new ones.
        for (int look = 0; look < LOOKS_MAX && covered.nextClearBit(first) < first + count; look++) {
            covered.clear();
            record().spans().forEach(span -> covered.set(span.first(), span.end()));
        }
        assertTrue(covered.nextClearBit(first) >= first + count, () -> first + " to " + count + " in " + covered);
    }

    private ActivityRecord record() {
        try {
            return ActivityFile.read(directory) instanceof Content.Whole whole
                    ? whole.record()
                    : new ActivityRecord(0, 0, 0, List.of());
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private ActivityLog log(int hotMax, WritesInFlight inFlight, OpenMarks marks) throws IOException {
        return log(hotMax, inFlight, marks, Runnable::run);
    }

    private ActivityLog log(int hotMax, WritesInFlight inFlight, OpenMarks marks, java.util.concurrent.Executor work)
            throws IOException {
        long lease = ActivityLog.lease(() -> Instant.ofEpochMilli(millis));
        ActivityFile.Owner owner = new ActivityFile.Owner(
                new JournalId(new UUID(1, 2)), new IncarnationId(new UUID(3, 4)), Optional.empty());
        ActivityFile file = ActivityFile.create(directory, owner, hotMax, new ActivityRecord(1, 0, lease, List.of()));
        assertTrue(Files.exists(directory.resolve(ActivityFile.NAME)));
        return new ActivityLog(
                "disk0",
                hotMax,
                lease,
                new ActivityLog.Parts(file, inFlight, marks, work, () -> Instant.ofEpochMilli(millis)));
    }
}
