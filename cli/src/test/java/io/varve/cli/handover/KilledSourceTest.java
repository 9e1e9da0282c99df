package io.varve.cli.handover;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.tracking.MemoryBacked;
import io.varve.capture.tracking.ReleasedDrive;
import io.varve.cli.qmp.QmpClient;
import io.varve.cli.qmp.QmpRefusedException;
import io.varve.core.handover.TargetSide;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The source of a hand-over dies at a random step. {@code -Dvarve.handovers=100} does more of them. */
class KilledSourceTest {
    private static final int HANDOVERS = Integer.getInteger("varve.handovers", 6);
    private static final long SIZE_BYTES = 64 << 20;
    private static final int STEPS = 12;

    @TempDir(factory = MemoryBacked.class)
    Path directory;

    private final long seed = Long.getLong("varve.seed", 1L);
    private final SplittableRandom random = new SplittableRandom(seed);

    /** What became of a hand-over. */
    private enum Fate {
        /** The kill came after the last step. */
        UNDISTURBED,
        /** The source had let the drive go: the target read its state folder. */
        READ_FROM_STATE,
        /** The source hadn't: it was started again, and handed the drive over then. */
        STARTED_AGAIN,
        /** Nobody had the source's state any more, and everything had come. */
        COMPLETE,
        /** Nobody had it, and marks were missing: inconsistent, and said so. */
        INCONSISTENT
    }

    @Test
    void shouldLoseNoClusterSilentlyWhenTheSourceIsKilled() throws Exception { // I1, I3, I4
        List<Fate> fates = new ArrayList<>();
        for (int number = 0; number < HANDOVERS; number++) {
            String which = "seed " + seed + ", hand-over " + number;
            Path folder = Files.createDirectories(directory.resolve(Integer.toString(number)));
            try {
                fates.add(round(folder, which));
            } catch (IOException | RuntimeException e) {
                throw new AssertionError(which + ", in " + folder + ": " + e.getMessage(), e);
            }
        }
        StringBuilder report = new StringBuilder();
        for (Fate fate : Fate.values()) {
            report.append(", ")
                    .append(fates.stream().filter(fate::equals).count())
                    .append(' ')
                    .append(fate);
        }
        System.out.println(HANDOVERS + " hand-overs with the source killed, seed " + seed + report);
    }

    private Fate round(Path folder, String which) throws Exception {
        Path image = folder.resolve("image.raw");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(SIZE_BYTES);
        }
        try (TestAgent source = TestAgent.in(folder.resolve("a"), image, "").startApart();
                TestAgent target =
                        TestAgent.in(folder.resolve("b"), image, ",incoming=on").start();
                RestlessGuest guest = new RestlessGuest(SIZE_BYTES, random.split())) {
            source.addBitmap("all");
            guest.goTo(source.export());
            guest.awaitWrites(1 + random.nextInt(30));
            source.addBitmap("other");
            guest.awaitWrites(1 + random.nextInt(30));
            guest.allow(60);
            KilledSource.When when = List.of(KilledSource.When.values()).get(random.nextInt(3));
            int step = random.nextInt(STEPS);
            boolean isEnded = handOver(source, target, guest, step, when);
            Fate fate = isEnded ? Fate.UNDISTURBED : recover(source, target, guest);
            String what = which + ", " + when + " step " + step + ", " + fate;
            guest.awaitWrites(5);
            if (fate == Fate.INCONSISTENT) {
                checkInconsistent(target, what);
            } else {
                HandoverTest.check(target, "all", guest, what);
            }
            return fate;
        }
    }

    /** @return whether it came to its end all the same */
    private static boolean handOver(
            TestAgent source, TestAgent target, RestlessGuest guest, int step, KilledSource.When when)
            throws Exception {
        try (QmpClient from = source.monitor();
                QmpClient to = target.monitor()) {
            KilledSource killed = new KilledSource(new AgentDrive(from, TestAgent.DRIVE), source.child(), step, when);
            return run(killed, to, target, guest, false) instanceof HandoverRun.End.Done;
        } catch (QmpRefusedException e) {
            throw e;
        } catch (IOException e) {
            // The source is gone.
            return false;
        } finally {
            source.child().killNow();
        }
    }

    private static HandoverRun.End run(
            HandoverSource source, QmpClient to, TestAgent target, RestlessGuest guest, boolean isGivingUp)
            throws IOException, InterruptedException {
        var terms = new HandoverRun.Terms("target", false, Optional.empty(), false, isGivingUp);
        return new HandoverRun(source, new AgentDrive(to, TestAgent.DRIVE), terms, step -> {
                    if (step.equals("the target serves it")) {
                        guest.goTo(target.export());
                        guest.allow(20);
                    }
                })
                .run();
    }

    private Fate recover(TestAgent source, TestAgent target, RestlessGuest guest) throws Exception {
        try (QmpClient to = target.monitor()) {
            TargetSide side = new AgentDrive(to, TestAgent.DRIVE).targetSide();
            if (!(side instanceof TargetSide.Absent) && random.nextBoolean()) {
                return recoverElsewhere(side, to, target, guest);
            }
            try (ReleasedDrive released = ReleasedDrive.ofStoppedAgent(source.stateDirectory(), TestAgent.DRIVE)) {
                assertInstanceOf(
                        HandoverRun.End.Done.class, run(new StoppedSource(released), to, target, guest, false));
                return Fate.READ_FROM_STATE;
            } catch (IOException e) {
                assertTrue(String.valueOf(e.getMessage()).contains("hadn't let drive 'disk0' go"), e.toString());
            }
            assertInstanceOf(TargetSide.Absent.class, side);
            TestAgent again = source.startApart();
            guest.goTo(again.export());
            try (QmpClient from = again.monitor()) {
                assertInstanceOf(
                        HandoverRun.End.Done.class,
                        run(new AgentDrive(from, TestAgent.DRIVE), to, target, guest, false));
            }
            return Fate.STARTED_AGAIN;
        }
    }

    /** As on another host, from where the source's folder can't be read. */
    private static Fate recoverElsewhere(TargetSide side, QmpClient to, TestAgent target, RestlessGuest guest)
            throws Exception {
        SilentSource silent = new SilentSource("No agent answers");
        boolean isMissing = side instanceof TargetSide.Incoming(var _, var missing) && !missing.isEmpty();
        HandoverRun.End end = run(silent, to, target, guest, false);
        if (isMissing) {
            String reason = assertInstanceOf(HandoverRun.End.Stopped.class, end).reason();
            assertTrue(reason.contains("are missing"), reason);
            assertInstanceOf(HandoverRun.End.Done.class, run(silent, to, target, guest, true));
            return Fate.INCONSISTENT;
        }
        assertInstanceOf(HandoverRun.End.Done.class, end);
        return Fate.COMPLETE;
    }

    private static void checkInconsistent(TestAgent target, String which) throws Exception {
        assertTrue(target.bitmap("all").path("inconsistent").asBoolean(), which);
        String refusal = String.valueOf(assertThrows(
                        QmpRefusedException.class,
                        () -> target.qmp("block-dirty-bitmap-disable", "{'node':'disk0','name':'all'}"))
                .getMessage());
        assertTrue(refusal.contains("Bitmap 'all' is inconsistent"), refusal);
        var _ = target.qmp("block-dirty-bitmap-remove", "{'node':'disk0','name':'all'}");
    }
}
