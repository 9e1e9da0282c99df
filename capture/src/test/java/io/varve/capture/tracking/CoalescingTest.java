package io.varve.capture.tracking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.Seeds;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.Generation;
import io.varve.core.drive.Recording;
import io.varve.core.fold.ReadingFold;
import io.varve.core.id.DriveId;
import io.varve.core.id.IncarnationId;
import io.varve.core.id.JournalId;
import io.varve.core.transaction.Action;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CoalescingTest {
    private static final long SIZE_BYTES = 64 << 16;
    private static final int NAMES = 10;

    @TempDir(factory = MemoryBacked.class)
    Path directory;

    /** An agent, and beside it each bitmap as a set of granules of its own; a reader of its feed, sometimes behind. */
    private final class Life {
        final SplittableRandom random;
        final Path folder;
        final Map<String, NaiveBitmap> naive = new TreeMap<>();
        final ReadingFold reader = ReadingFold.behind();
        AgentFixture fixture;

        Life(SplittableRandom random) throws IOException {
            this.random = random;
            this.folder = Files.createDirectories(directory.resolve("run-" + random.nextLong()));
            this.fixture = AgentFixture.open(folder);
            var _ = fixture.attach("disk0", SIZE_BYTES);
        }

        void step() throws IOException {
            String name = "b" + random.nextInt(NAMES);
            NaiveBitmap bitmap = naive.get(name);
            switch (random.nextInt(10)) {
                case 0, 1 -> {
                    if (bitmap == null) {
                        add(name);
                    } else if (bitmap.busy.isEmpty()) {
                        change(name, bitmap);
                    }
                }
                case 2, 3 -> backUp(name, Optional.ofNullable(bitmap));
                case 4 -> read();
                case 5 -> republish();
                default -> write();
            }
        }

        private void add(String name) {
            NaiveBitmap added = new NaiveBitmap(512L << (4 + random.nextInt(4)));
            transact(new Action.AddBitmap("disk0", name, Optional.of(added.granularityBytes), true, Recording.ENABLED));
            naive.put(name, added);
        }

        private void change(String name, NaiveBitmap bitmap) {
            switch (random.nextInt(4)) {
                case 0 -> {
                    transact(new Action.RemoveBitmap("disk0", name));
                    naive.remove(name);
                }
                case 1 -> {
                    transact(new Action.ClearBitmap("disk0", name));
                    bitmap.dirty.clear();
                }
                default -> {
                    transact(
                            bitmap.isRecording
                                    ? new Action.DisableBitmap("disk0", name)
                                    : new Action.EnableBitmap("disk0", name));
                    bitmap.isRecording = !bitmap.isRecording;
                }
            }
        }

        private void backUp(String name, Optional<NaiveBitmap> known) throws IOException {
            if (known.isEmpty()) {
                return;
            }
            NaiveBitmap bitmap = known.get();
            if (bitmap.busy.isEmpty()) {
                boolean hasRoom =
                        naive.values().stream().filter(b -> b.busy.isPresent()).count() < AgentOptions.SNAPSHOTS_MAX;
                if (hasRoom) {
                    bitmap.busy = Optional.of(
                            transact(AgentFixture.incremental("disk0", name)).getFirst());
                    bitmap.frozen.addAll(bitmap.dirty);
                    bitmap.dirty.clear();
                }
                return;
            }
            boolean succeeds = random.nextBoolean();
            fixture.agent()
                    .conclude(
                            new DriveId("disk0"),
                            bitmap.busy.get().mark().key(),
                            succeeds ? new Conclusion.Written() : new Conclusion.Failed("the test wants it"));
            bitmap.dirty.addAll(succeeds ? Set.of() : bitmap.frozen);
            bitmap.frozen.clear();
            bitmap.busy = Optional.empty();
        }

        private void write() {
            long offsetBytes = random.nextLong(SIZE_BYTES / 512) * 512;
            int lengthBytes = (int) Math.min(512L * (1 + random.nextInt(100)), SIZE_BYTES - offsetBytes);
            AgentFixture.write(fixture.export("disk0"), offsetBytes, new byte[lengthBytes]);
            naive.values().forEach(b -> b.write(offsetBytes, lengthBytes));
        }

        private List<StartedBackup> transact(Action action) {
            return fixture.transact(Completion.INDIVIDUAL, action);
        }

        /** As the topology does: what differs is asked for. */
        void read() throws IOException {
            fixture.readAll("disk0", reader);
            for (int round = 0; round < 2 && !reader.differing().isEmpty(); round++) {
                for (long generation : List.copyOf(reader.differing())) {
                    fixture.feed("disk0").republish(reader.state().control(), Set.of(generation));
                }
                fixture.readAll("disk0", reader);
            }
            // The seals are read again only up to what was known: what follows is a repeat.
            AgentFixture.drain(fixture.feed("disk0"), reader);
            assertEquals(Set.of(), reader.differing());
        }

        private void republish() throws IOException {
            fixture.feed("disk0")
                    .republishFrom(1 + random.nextLong(fixture.state("disk0").control()));
        }

        void check() throws IOException {
            read();
            assertEquals(fixture.state("disk0"), reader.state());
            for (Map.Entry<String, NaiveBitmap> entry : naive.entrySet()) {
                Bitmap bitmap = fixture.bitmap("disk0", entry.getKey());
                NaiveBitmap expected = entry.getValue();
                assertEquals(
                        expected.all(),
                        granules(reader.union(bitmap.allGenerations(), bitmap.granularity())),
                        entry.getKey());
                long counted = fixture.agent()
                        .bitmaps()
                        .dirtyBytes(new DriveId("disk0"), bitmap.name())
                        .orElseThrow();
                Set<Long> shown = expected.busy.isPresent() ? expected.frozen : expected.dirty;
                assertEquals(shown.size() * expected.granularityBytes, counted, entry.getKey());
            }
        }

        void reopen() throws IOException {
            fixture.close();
            naive.values().forEach(NaiveBitmap::cancelled);
            fixture = AgentFixture.open(folder);
            var _ = fixture.attach("disk0", SIZE_BYTES);
        }
    }

    /** A bitmap as QEMU keeps it. */
    private static final class NaiveBitmap {
        final long granularityBytes;
        final TreeSet<Long> frozen = new TreeSet<>();
        final TreeSet<Long> dirty = new TreeSet<>();
        boolean isRecording = true;
        Optional<StartedBackup> busy = Optional.empty();

        NaiveBitmap(long granularityBytes) {
            this.granularityBytes = granularityBytes;
        }

        void write(long offsetBytes, long lengthBytes) {
            for (long g = offsetBytes / granularityBytes;
                    isRecording && g <= (offsetBytes + lengthBytes - 1) / granularityBytes;
                    g++) {
                dirty.add(g);
            }
        }

        void cancelled() {
            dirty.addAll(frozen);
            frozen.clear();
            busy = Optional.empty();
        }

        Set<Long> all() {
            TreeSet<Long> all = new TreeSet<>(frozen);
            all.addAll(dirty);
            return all;
        }
    }

    private static Set<Long> granules(Marks marks) {
        TreeSet<Long> granules = new TreeSet<>();
        for (long bit = marks.bits().nextSet(0); bit >= 0; bit = marks.bits().nextSet(bit + 1)) {
            granules.add(bit);
        }
        return granules;
    }

    @Test
    void shouldNeverChangeABitmapByMerging() { // I3, I10, reliability 6.22
        Seeds.forEach(6, random -> {
            try {
                Life life = new Life(random);
                try {
                    for (int round = 0; round < 4; round++) {
                        for (int step = 0; step < 60; step++) {
                            life.step();
                        }
                        life.check();
                        life.reopen();
                        life.check();
                    }
                } finally {
                    life.fixture.close();
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    /** Bitmaps at different cuts, one of which is backed up again and again. */
    @Test
    void shouldKeepFewGenerationsWhateverIsCut() throws IOException { // I10
        int bitmaps = 6;
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            var export = fixture.attach("disk0", SIZE_BYTES);
            for (int name = 0; name < bitmaps; name++) {
                fixture.transact(Completion.INDIVIDUAL, AgentFixture.add("disk0", "b" + name));
                for (int cut = 0; cut < 20; cut++) {
                    AgentFixture.write(export, cut * 65_536L, new byte[512]);
                    StartedBackup backup = fixture.transact(
                                    Completion.INDIVIDUAL, AgentFixture.incremental("disk0", "b" + name))
                            .getFirst();
                    fixture.agent().conclude(new DriveId("disk0"), backup.mark().key(), new Conclusion.Written());
                    int retained = fixture.state("disk0").generations().size();
                    assertTrue(
                            retained <= AgentOptions.GENERATIONS_MAX + 2 + bitmaps,
                            () -> "retained: "
                                    + fixture.state("disk0").generations().keySet());
                }
            }
            assertEquals(20 * 65_536, fixture.content("disk0", "b0").dirtyBytes());
        }
    }

    /** A kill between the record and the naming, and one before the record. */
    @Test
    void shouldSettleAMergeThatAKillInterrupted() throws IOException { // I3
        for (boolean isRecorded : List.of(true, false)) {
            Path folder = Files.createDirectories(directory.resolve("kept-" + isRecorded));
            Marks own = marks(0);
            Marks union;
            try (KeptMarks kept = new KeptMarks(folder)) {
                kept.keep(header(2), marks(1));
                kept.keep(header(3), own);
                union = kept.merge(3, new TreeSet<>(List.of(2L)));
            }

            Marks promised = isRecorded ? union : own;
            List<Generation> generations = new ArrayList<>(List.of(new Generation(
                    3,
                    Granularity.DEFAULT,
                    SIZE_BYTES,
                    Optional.of(new Generation.Seal(promised.dirtyBytes(), promised.digest())))));
            try (KeptMarks kept = new KeptMarks(folder)) {
                kept.settle(generations);
                kept.dropAllBut(Set.of(2L, 3L));

                assertEquals(promised.extents(), kept.marks(3).extents());
                try (var files = Files.list(folder)) {
                    assertEquals(2, files.count());
                }
            }
        }
    }

    private static Marks marks(long granule) {
        Marks marks = Marks.none(Granularity.DEFAULT, SIZE_BYTES);
        marks.mark(granule * 65_536, 1);
        return marks;
    }

    private static MarkFileHeader header(long generation) {
        return new MarkFileHeader(
                new JournalId(new UUID(1, 1)),
                new IncarnationId(new UUID(2, 2)),
                AgentFixture.BOOT,
                generation,
                Granularity.DEFAULT,
                SIZE_BYTES);
    }
}
