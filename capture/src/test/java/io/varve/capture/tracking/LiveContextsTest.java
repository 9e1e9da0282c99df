package io.varve.capture.tracking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.backend.RequestFailedException;
import io.varve.capture.nbd.Export;
import io.varve.core.Seeds;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.Recording;
import io.varve.core.id.DriveId;
import io.varve.core.transaction.Action;
import io.varve.formats.nbd.NbdError;
import io.varve.formats.nbd.StatusExtent;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a live drive tells of its bitmaps, compared with a model of them. */
class LiveContextsTest {
    private static final String CONTEXT = "qemu:dirty-bitmap:b";
    private static final Granularity GRANULARITY = new Granularity(4096);
    private static final long SIZE_BYTES = 3 * (1 << 20) + 512;
    private static final int ROUNDS = 8;
    private static final int WRITES = 1000;

    @TempDir(factory = MemoryBacked.class)
    Path directory;

    @Test
    void shouldTellEachAcknowledgedWriteAndNoOtherWhileAllChanges() {
        Seeds.forEach(3, random -> {
            try {
                Path folder = java.nio.file.Files.createDirectories(directory.resolve("run-" + random.nextLong()));
                new Run(folder, random).run();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (InterruptedException | ExecutionException e) {
                throw new AssertionError(e);
            }
        });
    }

    /** Rounds of writers, readers and cuts at once; what loses bits by intent happens between them. */
    private static final class Run {
        private final AgentFixture fixture;
        private final Export export;
        private final SplittableRandom random;
        private final AtomicBoolean written = new AtomicBoolean();
        private Marks begun = none();
        private Marks acknowledged = none();
        private boolean recording = true;

        Run(Path directory, SplittableRandom random) throws IOException {
            this.random = random;
            fixture = AgentFixture.open(directory);
            export = fixture.attach("disk0", SIZE_BYTES);
            change(new Action.AddBitmap("disk0", "b", Optional.of(GRANULARITY.bytes()), true, Recording.ENABLED));
        }

        void run() throws IOException, InterruptedException, ExecutionException {
            try (fixture;
                    ExecutorService threads = Executors.newCachedThreadPool()) {
                for (int round = 0; round < ROUNDS; round++) {
                    writeReadAndCut(threads);
                    Marks told = told(export, CONTEXT, 0, SIZE_BYTES, Integer.MAX_VALUE);
                    assertEquals(begun.extents(), told.extents());
                    assertEquals(fixture.content("disk0", "b").extents(), told.extents());
                    changeWhatIsKnown();
                }
            }
        }

        private void writeReadAndCut(ExecutorService threads) throws InterruptedException, ExecutionException {
            written.set(false);
            List<Future<?>> writers = new ArrayList<>();
            for (int writer = 0; writer < 3; writer++) {
                SplittableRandom own = random.split();
                writers.add(threads.submit(() -> write(own)));
            }
            List<Future<?>> others = new ArrayList<>();
            for (Callable<?> other : List.of(reader(random.split()), reader(random.split()), cutter(random.split()))) {
                others.add(threads.submit(other));
            }
            try {
                for (Future<?> writer : writers) {
                    writer.get();
                }
            } finally {
                written.set(true);
            }
            for (Future<?> other : others) {
                other.get();
            }
        }

        private void write(SplittableRandom own) {
            for (int i = 0; i < WRITES; i++) {
                int lengthBytes = 512 * (1 + own.nextInt(24));
                long offsetBytes = 512 * own.nextLong((SIZE_BYTES - lengthBytes) / 512 + 1);
                if (recording) {
                    begun.mark(offsetBytes, lengthBytes);
                }
                AgentFixture.write(export, offsetBytes, new byte[lengthBytes]);
                if (recording) {
                    acknowledged.mark(offsetBytes, lengthBytes);
                }
            }
        }

        private Callable<Integer> reader(SplittableRandom own) {
            return () -> {
                int reads = 0;
                for (boolean last = false; !last; reads++) {
                    last = written.get();
                    long fromBytes = own.nextLong(SIZE_BYTES);
                    long toBytes = fromBytes + 1 + own.nextLong(SIZE_BYTES - fromBytes);
                    Marks before = acknowledged.copyAt(GRANULARITY);
                    Marks told = told(export, CONTEXT, fromBytes, toBytes, 1 + own.nextInt(9));
                    for (long at = fromBytes; at < toBytes; at = (at / 4096 + 1) * 4096) {
                        assertTrue(told.contains(at) || !before.contains(at), "I2: a write at " + at + " isn't told");
                        assertTrue(!told.contains(at) || begun.contains(at), "nobody wrote at " + at);
                    }
                }
                return reads;
            };
        }

        /** Cuts that change nothing of the bitmap's content: other bitmaps come and go, backups fail. */
        private Callable<Integer> cutter(SplittableRandom own) {
            return () -> {
                int cuts = 0;
                for (; !written.get(); cuts++) {
                    if (own.nextBoolean()) {
                        change(new Action.AddBitmap(
                                "disk0", "other", Optional.of(512L << own.nextInt(9)), true, Recording.ENABLED));
                        change(new Action.RemoveBitmap("disk0", "other"));
                    } else {
                        fail(AgentFixture.incremental("disk0", "b"));
                    }
                }
                return cuts;
            };
        }

        private void fail(Action backup) throws IOException {
            for (StartedBackup started : fixture.transact(Completion.INDIVIDUAL, backup)) {
                fixture.agent()
                        .conclude(new DriveId("disk0"), started.mark().key(), new Conclusion.Failed("it's to fail"));
            }
        }

        private void changeWhatIsKnown() {
            switch (random.nextInt(3)) {
                case 0 -> {
                    change(new Action.ClearBitmap("disk0", "b"));
                    begun = none();
                    acknowledged = none();
                }
                case 1 -> {
                    change(recording ? new Action.DisableBitmap("disk0", "b") : new Action.EnableBitmap("disk0", "b"));
                    recording = !recording;
                }
                default -> {
                    // It goes on as it is.
                }
            }
        }

        private void change(Action action) {
            var _ = fixture.transact(Completion.INDIVIDUAL, action);
        }
    }

    @Test
    void shouldTellCoarseBitmapsOfFinerGenerationsInBoundedParts() throws IOException {
        long largeBytes = 3L << 30;
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            Export export = fixture.attach("disk0", largeBytes);
            add(fixture, "fine", 512);
            add(fixture, "b", 4096);
            add(fixture, "coarse", 1L << 30);
            AgentFixture.write(export, (1L << 30) + 4096, new byte[512]);
            AgentFixture.write(export, 512, new byte[512]);

            List<StatusExtent> fine = export.blockStatus("qemu:dirty-bitmap:fine", 512, 1L << 31, 8192);
            List<StatusExtent> coarse = export.blockStatus("qemu:dirty-bitmap:coarse", 1 << 20, 1L << 31, 8192);
            List<StatusExtent> first = export.blockStatus(CONTEXT, 0, 1L << 31, 1);

            // 2^18 granules at once.
            assertEquals(List.of(dirty(512), clean((1 << 27) - 512)), fine);
            assertEquals(List.of(dirty(1 << 30), dirty((1 << 30) - (1 << 20)), clean(1 << 20)), coarse);
            assertEquals(List.of(dirty(4096)), first);
        }
    }

    @Test
    void shouldOfferTheBitmapsThatThereAreAndRefuseOneThatIsGone() throws IOException {
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            Export export = fixture.attach("disk0", SIZE_BYTES);
            assertEquals(List.of("base:allocation"), export.metaContexts());
            add(fixture, "b", 4096);
            add(fixture, "other", 4096);
            assertEquals(List.of("base:allocation", CONTEXT, "qemu:dirty-bitmap:other"), export.metaContexts());
            assertEquals(List.of(clean(4096)), export.blockStatus(CONTEXT, 0, 4096, 1));

            fixture.transact(Completion.INDIVIDUAL, new Action.RemoveBitmap("disk0", "b"));

            assertEquals(List.of("base:allocation", "qemu:dirty-bitmap:other"), export.metaContexts());
            RequestFailedException refused =
                    assertThrows(RequestFailedException.class, () -> export.blockStatus(CONTEXT, 0, 4096, 1));
            assertEquals(NbdError.EINVAL, refused.error());
            assertEquals("bitmap 'b' of drive 'disk0' was removed since the client chose it", refused.getMessage());
        }
    }

    @Test
    void shouldNotOfferInconsistentBitmaps() throws IOException {
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            fixture.attach("disk0", SIZE_BYTES);
            add(fixture, "b", 4096);
        }
        AgentFixture.makeImage(directory.resolve("disk0.raw"), SIZE_BYTES + 512);
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            Export export = fixture.attach("disk0", SIZE_BYTES + 512);

            assertEquals(List.of("base:allocation"), export.metaContexts());
            RequestFailedException refused =
                    assertThrows(RequestFailedException.class, () -> export.blockStatus(CONTEXT, 0, 4096, 1));
            assertEquals(NbdError.EINVAL, refused.error());
            assertTrue(
                    String.valueOf(refused.getMessage()).startsWith("bitmap 'b' of drive 'disk0' is inconsistent: "));
        }
    }

    @Test
    void shouldRefuseOnceTheDriveIsDetached() throws IOException {
        AgentFixture fixture = AgentFixture.open(directory);
        Export export = fixture.attach("disk0", SIZE_BYTES);
        add(fixture, "b", 4096);
        assertEquals(List.of(clean(4096)), export.blockStatus(CONTEXT, 0, 4096, 1));

        fixture.close();

        RequestFailedException refused =
                assertThrows(RequestFailedException.class, () -> export.blockStatus(CONTEXT, 0, 4096, 1));
        assertEquals(NbdError.ESHUTDOWN, refused.error());
    }

    private static void add(AgentFixture fixture, String bitmap, long granularityBytes) {
        fixture.transact(
                Completion.INDIVIDUAL,
                new Action.AddBitmap("disk0", bitmap, Optional.of(granularityBytes), true, Recording.ENABLED));
    }

    private static StatusExtent dirty(long lengthBytes) {
        return new StatusExtent(lengthBytes, StatusExtent.DIRTY);
    }

    private static StatusExtent clean(long lengthBytes) {
        return new StatusExtent(lengthBytes, 0);
    }

    private static Marks none() {
        return Marks.none(GRANULARITY, SIZE_BYTES);
    }

    /** All of a range, in as many requests as that takes. */
    private static Marks told(Export export, String context, long fromBytes, long toBytes, int extentsMax)
            throws IOException {
        Marks told = none();
        for (long at = fromBytes; at < toBytes; ) {
            List<StatusExtent> extents = export.blockStatus(context, at, toBytes - at, extentsMax);
            assertTrue(!extents.isEmpty() && extents.size() <= extentsMax, () -> "extents: " + extents);
            for (StatusExtent extent : extents) {
                if (extent.flags() == StatusExtent.DIRTY) {
                    told.mark(at, extent.lengthBytes());
                }
                at += extent.lengthBytes();
            }
            assertTrue(at <= toBytes, "more was told than asked for");
        }
        return told;
    }
}
