package io.varve.core.transaction;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.Seeds;
import io.varve.core.bits.Extent;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapMode;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.NewArea;
import io.varve.core.drive.Recording;
import io.varve.core.fold.ReadingFold;
import io.varve.core.fold.WritingAgent;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Random commands on two drives, against bitmaps that are sets of granules, one after the other. */
class BitmapModelTest {
    private static final List<DriveId> DRIVES = List.of(new DriveId("d0"), new DriveId("d1"));
    private static final List<String> NAMES = List.of("a", "b", "c", "d");
    private static final List<BitmapMode> MODES = List.of(BitmapMode.ON_SUCCESS, BitmapMode.NEVER, BitmapMode.ALWAYS);
    private static final NodeRules RULES = new NodeRules() {
        @Override
        public Optional<String> whyNotPersistent(
                io.varve.core.drive.DriveState state, String name, Granularity granularity) {
            return Optional.empty();
        }

        @Override
        public boolean isReadOnly(DriveId drive, BitmapName bitmap) {
            return false;
        }

        @Override
        public boolean isInUse(DriveId drive, BitmapName bitmap) {
            return false;
        }

        @Override
        public boolean takesImports() {
            return true;
        }
    };

    private static final class Life {
        final SplittableRandom random;
        final Map<DriveId, WritingAgent> agents = new TreeMap<>();
        final Map<DriveId, QemuBitmaps> qemu = new TreeMap<>();
        final TreeSet<DriveId> shrunk = new TreeSet<>();
        boolean isExact = true;
        int syncPoints;
        int incarnations = 1;

        Life(SplittableRandom random) {
            this.random = random;
            long sizeBytes = 512 * (1 + random.nextLong(20_000));
            for (DriveId drive : DRIVES) {
                agents.put(drive, new WritingAgent(drive, sizeBytes));
                qemu.put(drive, new QemuBitmaps(sizeBytes));
            }
        }

        WritingAgent agent(DriveId drive) {
            return Objects.requireNonNull(agents.get(drive));
        }

        QemuBitmaps qemu(DriveId drive) {
            return Objects.requireNonNull(qemu.get(drive));
        }

        DriveId anyDrive() {
            return DRIVES.get(random.nextInt(DRIVES.size()));
        }

        void step() {
            DriveId drive = anyDrive();
            switch (random.nextInt(12)) {
                case 0, 1, 2, 3 -> transact();
                case 4 -> conclude(drive);
                case 5 -> agent(drive).restart(++incarnations);
                case 6 -> {
                    if (random.nextInt(4) == 0) {
                        resize(drive);
                    }
                }
                default -> write(drive);
            }
        }

        private void write(DriveId drive) {
            long sizeBytes = qemu(drive).sizeBytes();
            long offsetBytes = random.nextLong(sizeBytes);
            long lengthBytes = 1 + random.nextLong(Math.min(200_000, sizeBytes - offsetBytes));
            agent(drive).write(offsetBytes, lengthBytes);
            qemu(drive).write(offsetBytes, lengthBytes);
        }

        /** One to four actions; each is what QEMU would do, and what it would refuse isn't asked for. */
        private void transact() {
            List<Action> actions = new ArrayList<>();
            List<Runnable> effects = new ArrayList<>();
            TreeSet<String> touched = new TreeSet<>();
            TreeSet<String> gone = new TreeSet<>();
            for (int count = 1 + random.nextInt(4); count > 0; count--) {
                DriveId drive = anyDrive();
                String name = NAMES.get(random.nextInt(NAMES.size()));
                if (!qemu(drive).names().contains(name)) {
                    if (touched.add(drive + name)) {
                        actions.add(add(drive, name, effects));
                    }
                } else if (!qemu(drive).kept(name).busy && touched.add(drive + name)) {
                    actions.add(change(drive, name, gone, effects));
                }
            }
            carryOut(actions, effects);
        }

        private Action add(DriveId drive, String name, List<Runnable> effects) {
            long granularityBytes = 512L << random.nextInt(9);
            boolean recording = random.nextInt(4) > 0;
            effects.add(() -> qemu(drive).add(name, granularityBytes, recording));
            return new Action.AddBitmap(
                    drive.value(),
                    name,
                    Optional.of(granularityBytes),
                    true,
                    recording ? Recording.ENABLED : Recording.DISABLED);
        }

        private Action change(DriveId drive, String name, Set<String> gone, List<Runnable> effects) {
            String node = drive.value();
            return switch (random.nextInt(8)) {
                case 0 -> {
                    gone.add(drive + name);
                    effects.add(() -> qemu(drive).remove(name));
                    yield new Action.RemoveBitmap(node, name);
                }
                case 1 -> {
                    effects.add(() -> qemu(drive).kept(name).bits.clear());
                    yield new Action.ClearBitmap(node, name);
                }
                case 2 -> {
                    effects.add(() -> qemu(drive).kept(name).recording = true);
                    yield new Action.EnableBitmap(node, name);
                }
                case 3 -> {
                    effects.add(() -> qemu(drive).kept(name).recording = false);
                    yield new Action.DisableBitmap(node, name);
                }
                case 4 -> {
                    gone.add(drive + name);
                    yield backup(drive, name, effects);
                }
                default -> merge(drive, name, gone, effects);
            };
        }

        private Action backup(DriveId drive, String name, List<Runnable> effects) {
            List<SyncMode> syncs = List.of(SyncMode.FULL, SyncMode.TOP, SyncMode.INCREMENTAL, SyncMode.BITMAP);
            SyncMode sync = syncs.get(random.nextInt(syncs.size()));
            BitmapMode mode = switch (sync) {
                case INCREMENTAL -> BitmapMode.ON_SUCCESS;
                case BITMAP -> MODES.get(random.nextInt(MODES.size()));
                case FULL, TOP, NONE -> random.nextBoolean() ? BitmapMode.ON_SUCCESS : BitmapMode.ALWAYS;
            };
            effects.add(() -> qemu(drive).freeze(name, mode));
            return new Action.Backup(drive.value(), sync, Optional.of(name), Optional.of(mode), BackupTarget.FILE);
        }

        /** From any bitmaps that are there, and aren't frozen nor removed by an action before. */
        private Action merge(DriveId drive, String name, Set<String> gone, List<Runnable> effects) {
            List<Action.MergeBitmaps.Source> sources = new ArrayList<>();
            for (int count = random.nextInt(4); count > 0; count--) {
                DriveId from = anyDrive();
                List<String> names = new ArrayList<>(qemu(from).names());
                names.removeIf(n -> qemu(from).kept(n).busy || gone.contains(from + n));
                if (random.nextInt(5) == 0) {
                    sources.add(new Action.MergeBitmaps.Source(drive.value(), name));
                } else if (!names.isEmpty()
                        && qemu(from).sizeBytes() == qemu(drive).sizeBytes()) {
                    sources.add(new Action.MergeBitmaps.Source(from.value(), names.get(random.nextInt(names.size()))));
                }
            }
            effects.add(() -> qemu(drive)
                    .merge(
                            name,
                            sources.stream()
                                    .map(s -> qemu(new DriveId(s.node())).kept(s.name()))
                                    .toList()));
            return new Action.MergeBitmaps(drive.value(), name, sources);
        }

        private void carryOut(List<Action> actions, List<Runnable> effects) {
            TreeMap<DriveId, io.varve.core.drive.DriveState> states = new TreeMap<>();
            agents.forEach((drive, agent) -> states.put(drive, agent.state()));
            Plan plan = Transaction.plan(
                    states, actions, Completion.INDIVIDUAL, new SyncPointId("sp-" + ++syncPoints), RULES);
            Plan.Planned planned = assertInstanceOf(Plan.Planned.class, plan, () -> actions + " " + plan);
            for (DrivePlan.PlannedImport each : planned.imports()) {
                var from = assertInstanceOf(DrivePlan.PlannedImport.OfDrive.class, each.content());
                agent(each.drive()).imported(each, agent(from.drive()).union(from.generations(), from.granularity()));
            }
            planned.drives().forEach(drive -> agent(drive.drive()).carryOut(drive));
            effects.forEach(Runnable::run);
        }

        private void conclude(DriveId drive) {
            List<String> busy = qemu(drive).names().stream()
                    .filter(name -> qemu(drive).kept(name).busy)
                    .toList();
            if (busy.isEmpty()) {
                return;
            }
            String name = busy.get(random.nextInt(busy.size()));
            WritingAgent agent = agent(drive);
            BackupKey key = assertInstanceOf(
                            BitmapStatus.Busy.class, bitmap(drive, name).status())
                    .backup();
            if (random.nextBoolean()) {
                agent.conclude(key, new Conclusion.Written());
                qemu(drive).succeed(name);
                return;
            }
            Conclusion failure = random.nextBoolean() ? new Conclusion.Cancelled() : new Conclusion.Failed("no space");
            Marks rest = rest(drive);
            Optional<DrivePlan> plan = Uncopied.plan(agent.state(), key, rest.granularity(), failure);
            if (plan.isEmpty()) {
                agent.conclude(key, failure);
            } else {
                agent.imported(plan.get().imports().getFirst(), rest);
                agent.carryOut(plan.get());
            }
            qemu(drive)
                    .fail(
                            name,
                            rest.extents().stream()
                                    .map(e -> new long[] {e.offsetBytes(), e.lengthBytes()})
                                    .toList());
        }

        private Marks rest(DriveId drive) {
            Marks rest = Marks.none(
                    new Granularity(4096L << random.nextInt(6)), qemu(drive).sizeBytes());
            for (int count = random.nextInt(3); count > 0; count--) {
                rest.mark(new Extent(random.nextLong(qemu(drive).sizeBytes()), 1 + random.nextLong(300_000)));
            }
            return rest;
        }

        private void resize(DriveId drive) {
            boolean isBusy =
                    qemu(drive).names().stream().anyMatch(name -> qemu(drive).kept(name).busy);
            long sizeBytes = 512 * (1 + random.nextLong(20_000));
            Plan plan = Resize.plan(agent(drive).state(), sizeBytes, NewArea.ZEROES);
            if (isBusy) {
                assertInstanceOf(Plan.Refused.class, plan);
                return;
            }
            long before = qemu(drive).sizeBytes();
            assertInstanceOf(Plan.Planned.class, plan).drives().forEach(agent(drive)::carryOut);
            if (sizeBytes < before) {
                shrunk.add(drive);
            } else if (sizeBytes > before && shrunk.contains(drive)) {
                // What a shrink took comes back: it's the safer.
                isExact = false;
            }
            qemu(drive).resize(sizeBytes);
        }

        Bitmap bitmap(DriveId drive, String name) {
            return agent(drive).state().bitmap(new BitmapName(name)).orElseThrow();
        }
    }

    @Test
    void shouldHoldWhatQemusBitmapsHold() { // I1, I3
        Seeds.forEach(400, random -> {
            Life life = new Life(random);
            for (int step = 0; step < 100; step++) {
                life.step();
            }
            for (DriveId drive : DRIVES) {
                ReadingFold reader = new ReadingFold();
                life.agent(drive).log().forEach(reader::read);
                assertEquals(life.agent(drive).state(), reader.state());
                assertEquals(List.of(), reader.complaints());
                assertEquals(
                        life.qemu(drive).newestFirst(),
                        reader.state().newestFirst().stream()
                                .map(b -> b.name().value())
                                .toList());
                for (String name : life.qemu(drive).names()) {
                    same(life, drive, name, reader);
                }
            }
        });
    }

    private static void same(Life life, DriveId drive, String name, ReadingFold reader) {
        QemuBitmaps.Kept kept = life.qemu(drive).kept(name);
        Bitmap bitmap = reader.state().bitmap(new BitmapName(name)).orElseThrow();
        assertEquals(kept.recording, bitmap.isRecording(), name);
        Set<Long> own = granules(reader.union(bitmap.generations(), bitmap.granularity()));
        Set<Long> successor = bitmap.status() instanceof BitmapStatus.Busy busy
                ? granules(reader.union(busy.successor(), bitmap.granularity()))
                : new TreeSet<>();
        if (life.isExact) {
            assertEquals(kept.bits, own, drive + " " + name);
            assertEquals(
                    kept.bits.size() * kept.granularityBytes,
                    reader.union(bitmap.generations(), bitmap.granularity()).dirtyBytes());
            assertEquals(kept.busy ? kept.successor : Collections.emptySortedSet(), successor, drive + " " + name);
        }
        assertTrue(own.containsAll(kept.bits), () -> drive + " " + name + " lost bits");
        assertTrue(!kept.busy || successor.containsAll(kept.successor), () -> drive + " " + name + " lost bits");
    }

    private static Set<Long> granules(Marks marks) {
        TreeSet<Long> granules = new TreeSet<>();
        for (long bit = marks.bits().nextSet(0); bit >= 0; bit = marks.bits().nextSet(bit + 1)) {
            granules.add(bit);
        }
        return granules;
    }
}
