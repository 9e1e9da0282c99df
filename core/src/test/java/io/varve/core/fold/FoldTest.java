package io.varve.core.fold;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.Seeds;
import io.varve.core.bits.Digest;
import io.varve.core.bits.Extent;
import io.varve.core.bits.HierarchicalBitSet;
import io.varve.core.drive.Anchor;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapMode;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Recording;
import io.varve.core.drive.Trust;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.id.BitmapName;
import io.varve.core.id.IncarnationId;
import io.varve.core.id.SyncPointId;
import io.varve.core.transaction.Action;
import io.varve.core.transaction.Plan;
import io.varve.core.transaction.SyncMode;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class FoldTest {
    private static final String NODE = WritingAgent.DRIVE.value();
    private static final List<String> NAMES = List.of("a", "b", "c");
    private static final Anchor ANCHOR = new Anchor(
            new SyncPointId("sp-1"), new SyncPointId("sp-1"), 0, "manifest", Digest.of(HierarchicalBitSet.ofHeap(1)));

    /** A bitmap as QEMU keeps it: a set of granules of its own. */
    private static final class NaiveBitmap {
        final long granularityBytes;
        boolean recording;
        Optional<BackupKey> busy = Optional.empty();
        final TreeSet<Long> frozen = new TreeSet<>();
        final TreeSet<Long> dirty = new TreeSet<>();

        NaiveBitmap(long granularityBytes, boolean recording) {
            this.granularityBytes = granularityBytes;
            this.recording = recording;
        }

        void write(long offsetBytes, long lengthBytes) {
            for (long g = offsetBytes / granularityBytes;
                    g <= (offsetBytes + lengthBytes - 1) / granularityBytes;
                    g++) {
                if (recording) {
                    dirty.add(g);
                }
            }
        }

        Set<Long> all() {
            TreeSet<Long> all = new TreeSet<>(frozen);
            all.addAll(dirty);
            return all;
        }
    }

    /** An agent, the naive bitmaps beside it, and what may happen to both. */
    private static final class Life {
        final SplittableRandom random;
        final WritingAgent agent;
        final Map<String, NaiveBitmap> naive = new TreeMap<>();
        int incarnations = 1;

        Life(SplittableRandom random) {
            this.random = random;
            agent = new WritingAgent(512 * (1 + random.nextLong(20_000)));
        }

        void step() {
            String name = NAMES.get(random.nextInt(NAMES.size()));
            Optional<NaiveBitmap> bitmap = Optional.ofNullable(naive.get(name));
            switch (random.nextInt(12)) {
                case 0 -> add(name);
                case 1 ->
                    bitmap.filter(b -> b.busy.isEmpty()).ifPresent(b -> {
                        transact(new Action.ClearBitmap(NODE, name));
                        b.dirty.clear();
                    });
                case 2 -> bitmap.filter(b -> b.busy.isEmpty()).ifPresent(b -> toggle(name, b));
                case 3 ->
                    bitmap.filter(b -> b.busy.isEmpty()).ifPresent(b -> {
                        transact(new Action.RemoveBitmap(NODE, name));
                        naive.remove(name);
                    });
                case 4 -> bitmap.filter(b -> b.busy.isEmpty()).ifPresent(b -> backup(name, b));
                case 5 -> bitmap.filter(b -> b.busy.isPresent()).ifPresent(this::succeed);
                case 6 -> bitmap.filter(b -> b.busy.isPresent()).ifPresent(this::fail);
                case 7 -> agent.restart(++incarnations);
                default -> write();
            }
        }

        private void add(String name) {
            if (naive.containsKey(name)) {
                return;
            }
            long granularityBytes = 512L << random.nextInt(9);
            boolean recording = random.nextInt(4) > 0;
            transact(new Action.AddBitmap(
                    NODE,
                    name,
                    Optional.of(granularityBytes),
                    true,
                    recording ? Recording.ENABLED : Recording.DISABLED));
            naive.put(name, new NaiveBitmap(granularityBytes, recording));
        }

        private void toggle(String name, NaiveBitmap bitmap) {
            transact(bitmap.recording ? new Action.DisableBitmap(NODE, name) : new Action.EnableBitmap(NODE, name));
            bitmap.recording = !bitmap.recording;
        }

        private void backup(String name, NaiveBitmap bitmap) {
            transact(new Action.Backup(
                    NODE, SyncMode.INCREMENTAL, Optional.of(name), Optional.empty(), BackupTarget.FILE));
            bitmap.busy = Optional.of(assertInstanceOf(
                            BitmapStatus.Busy.class, folded(agent.state(), name).status())
                    .backup());
            bitmap.frozen.addAll(bitmap.dirty);
            bitmap.dirty.clear();
        }

        private void succeed(NaiveBitmap bitmap) {
            agent.conclude(bitmap.busy.orElseThrow(), new Conclusion.Written());
            bitmap.busy = Optional.empty();
            bitmap.frozen.clear();
        }

        private void fail(NaiveBitmap bitmap) {
            agent.conclude(bitmap.busy.orElseThrow(), new Conclusion.Failed("disk full"));
            bitmap.busy = Optional.empty();
            bitmap.dirty.addAll(bitmap.frozen);
            bitmap.frozen.clear();
        }

        private void write() {
            long sizeBytes = agent.state().sizeBytes();
            long offsetBytes = random.nextLong(sizeBytes);
            long lengthBytes = 1 + random.nextLong(Math.min(200_000, sizeBytes - offsetBytes));
            agent.write(offsetBytes, lengthBytes);
            naive.values().forEach(b -> b.write(offsetBytes, lengthBytes));
        }

        private void transact(Action action) {
            assertInstanceOf(
                    Plan.Planned.class,
                    agent.transact(List.of(action), Completion.INDIVIDUAL),
                    () -> "refused: " + action);
        }
    }

    private static Bitmap folded(DriveState state, String name) {
        return state.bitmap(new BitmapName(name)).orElseThrow();
    }

    @Test
    void shouldHoldWhatNaiveBitmapsHoldWhateverHappens() { // I1, I3
        Seeds.forEach(300, random -> {
            Life life = new Life(random);
            for (int step = 0; step < 120; step++) {
                life.step();
            }

            ReadingFold reader = new ReadingFold();
            life.agent.log().forEach(reader::read);

            assertEquals(life.agent.state(), reader.state());
            assertEquals(List.of(), reader.complaints());
            life.naive.forEach((name, naive) -> {
                Bitmap bitmap = folded(reader.state(), name);
                TreeSet<Long> granules = new TreeSet<>();
                reader.union(bitmap.allGenerations(), bitmap.granularity()).forEachExtent((offset, length) -> {
                    for (long g = offset / naive.granularityBytes;
                            g <= (offset + length - 1) / naive.granularityBytes;
                            g++) {
                        granules.add(g);
                    }
                });
                assertTrue(granules.containsAll(naive.all()), () -> name + " lost " + naive.all() + " of " + granules);
                assertEquals(naive.all(), granules, name);
            });
        });
    }

    @Test
    void shouldAgreeWhenRecordsAreReadAgain() { // I6 of the design: any two folds of a log agree
        Seeds.forEach(200, random -> {
            Life life = new Life(random);
            for (int step = 0; step < 80; step++) {
                life.step();
            }
            ReadingFold once = new ReadingFold();
            life.agent.log().forEach(once::read);

            ReadingFold again = new ReadingFold();
            List<LogRecord> log = life.agent.log();
            for (int at = 0; at < log.size(); at++) {
                again.read(log.get(at));
                if (random.nextInt(10) == 0) {
                    int back = random.nextInt(Math.min(at + 1, 12));
                    log.subList(at - back, at + 1).forEach(again::read);
                }
            }

            assertEquals(once.state(), again.state());
            once.state()
                    .generations()
                    .forEach((number, generation) -> assertEquals(
                            once.union(List.of(number), generation.granularity())
                                    .extents(),
                            again.union(List.of(number), generation.granularity())
                                    .extents()));
        });
    }

    @Test
    void shouldAskForWhatIsMissingAndChangeNothingMeanwhile() {
        WritingAgent agent = new WritingAgent(1 << 20);
        agent.transact(List.of(add("a")), Completion.INDIVIDUAL);
        ReadingFold reader = new ReadingFold();
        reader.read(agent.log().get(0));
        DriveState before = reader.state();

        reader.read(agent.log().get(2));

        assertEquals(before, reader.state());
        assertEquals(List.of(new Effect.RequestControl(2)), reader.complaints());
    }

    @Test
    void shouldSuspectAnIncarnationOutsideTheLine() { // I8
        WritingAgent agent = new WritingAgent(1 << 20);
        agent.transact(List.of(add("a")), Completion.INDIVIDUAL);
        ReadingFold reader = new ReadingFold();
        agent.log().forEach(reader::read);

        reader.read(new LogRecord(
                WritingAgent.DRIVE,
                new IncarnationId(new UUID(9, 9)),
                0,
                new DriveEvent.ExtentsDirtied(2, 1, List.of(new Extent(0, 65536)), 1, 1)));

        assertInstanceOf(Trust.Suspect.class, reader.state().trust());
        assertTrue(reader.union(List.of(2L), agent.state().open().granularity()).isEmpty());
    }

    @Test
    void shouldAnchorWhatAFullBeganAndVoidWhatWasClearedMeanwhile() {
        WritingAgent agent = new WritingAgent(1 << 20);
        agent.transact(List.of(add("a"), add("b"), backup(SyncMode.FULL, Optional.empty())), Completion.INDIVIDUAL);
        BackupKey key = agent.state().undecided().firstKey();
        agent.transact(List.of(new Action.ClearBitmap(NODE, "b")), Completion.INDIVIDUAL);

        agent.conclude(key, new Conclusion.Committed(ANCHOR));

        assertEquals(Optional.of(ANCHOR), folded(agent.state(), "a").anchor());
        assertEquals(Optional.empty(), folded(agent.state(), "b").anchor());
    }

    @Test
    void shouldDropNothingWhenACommitComesAfterThePutBack() { // I3, reliability 6.15
        WritingAgent agent = new WritingAgent(1 << 20);
        agent.transact(List.of(add("a"), backup(SyncMode.FULL, Optional.empty())), Completion.INDIVIDUAL);
        agent.conclude(agent.state().undecided().firstKey(), new Conclusion.Committed(ANCHOR));
        agent.write(70_000, 1);
        agent.transact(List.of(backup(SyncMode.INCREMENTAL, Optional.of("a"))), Completion.INDIVIDUAL);
        BackupKey key = agent.state().undecided().firstKey();

        agent.conclude(key, new Conclusion.Failed("snapshot gone"));
        agent.conclude(key, new Conclusion.Committed(ANCHOR));

        Bitmap a = folded(agent.state(), "a");
        assertEquals(65_536, agent.union(a.allGenerations(), a.granularity()).dirtyBytes());
        assertEquals(Optional.of(ANCHOR), a.anchor());
        assertTrue(agent.state().undecided().isEmpty());
    }

    @Test
    void shouldGoOnWithAFullBackupWhenTheArchiveLeavesOneUndecided() { // I3, reliability 6.4 and 6.15
        WritingAgent agent = new WritingAgent(1 << 20);
        agent.transact(List.of(add("a"), backup(SyncMode.FULL, Optional.empty())), Completion.INDIVIDUAL);
        agent.conclude(agent.state().undecided().firstKey(), new Conclusion.Committed(ANCHOR));
        agent.transact(List.of(backup(SyncMode.INCREMENTAL, Optional.of("a"))), Completion.INDIVIDUAL);
        BackupKey givenUp = agent.state().undecided().firstKey();
        agent.conclude(givenUp, new Conclusion.Cancelled());

        assertInstanceOf(
                Plan.Refused.class,
                agent.transact(List.of(backup(SyncMode.INCREMENTAL, Optional.of("a"))), Completion.INDIVIDUAL));
        agent.transact(
                List.of(new Action.Backup(
                        NODE,
                        SyncMode.FULL,
                        Optional.of("a"),
                        Optional.of(BitmapMode.ON_SUCCESS),
                        BackupTarget.ARCHIVE)),
                Completion.INDIVIDUAL);
        BackupKey anew = agent.state().undecided().lastKey();
        Anchor chain = new Anchor(anew.syncPoint(), anew.syncPoint(), 0, ANCHOR.manifestKey(), ANCHOR.manifestSha256());
        agent.conclude(anew, new Conclusion.Committed(chain));
        agent.conclude(givenUp, new Conclusion.Committed(ANCHOR));

        assertEquals(Optional.of(chain), folded(agent.state(), "a").anchor());
        assertTrue(agent.state().undecided().isEmpty());
    }

    @Test
    void shouldVoidTheAnchorWhenAFileTookTheBits() { // reliability 6.4
        WritingAgent agent = new WritingAgent(1 << 20);
        agent.transact(List.of(add("a"), backup(SyncMode.FULL, Optional.empty())), Completion.INDIVIDUAL);
        agent.conclude(agent.state().undecided().firstKey(), new Conclusion.Committed(ANCHOR));
        agent.transact(
                List.of(new Action.Backup(
                        NODE, SyncMode.INCREMENTAL, Optional.of("a"), Optional.empty(), BackupTarget.FILE)),
                Completion.INDIVIDUAL);

        agent.conclude(agent.state().undecided().firstKey(), new Conclusion.Written());

        assertEquals(Optional.empty(), folded(agent.state(), "a").anchor());
    }

    private static Action add(String name) {
        return new Action.AddBitmap(NODE, name, Optional.empty(), true, Recording.ENABLED);
    }

    private static Action backup(SyncMode sync, Optional<String> bitmap) {
        return new Action.Backup(NODE, sync, bitmap, Optional.empty(), BackupTarget.ARCHIVE);
    }
}
