package io.varve.cli.handover;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.handover.Chunk;
import io.varve.capture.handover.Part;
import io.varve.capture.tracking.MemoryBacked;
import io.varve.capture.tracking.ReleasedDrive;
import io.varve.cli.qmp.QmpClient;
import io.varve.cli.qmp.QmpRefusedException;
import io.varve.core.handover.SourceSide;
import io.varve.core.handover.TargetSide;
import io.varve.core.id.IncarnationId;
import io.varve.transfer.nbd.Durability;
import io.varve.transfer.nbd.NbdClient;
import io.varve.transfer.nbd.NbdClientOptions;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The rules of a hand-over, one step at a time. */
class HandoverRulesTest {
    private static final int SIZE_BYTES = 4 << 20;

    @TempDir(factory = MemoryBacked.class)
    Path directory;

    private Path image = Path.of("");

    @BeforeEach
    void makeImage() throws IOException {
        image = directory.resolve("image.raw");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(SIZE_BYTES);
        }
    }

    @Test
    void shouldServeWhileBitmapsComeAndRefuseBackupsUntilTheyHaveCome() throws Exception { // I1, I4
        try (TestAgent source = source();
                TestAgent target = target();
                QmpClient from = source.monitor();
                QmpClient to = target.monitor()) {
            source.addBitmap("all");
            write(source, 3);
            AgentDrive here = new AgentDrive(from, TestAgent.DRIVE);
            AgentDrive there = new AgentDrive(to, TestAgent.DRIVE);
            IncarnationId handover = attach(here, there);

            write(target, 7);
            assertTrue(target.bitmap("all").path("busy").asBoolean());
            assertRefused(target, "x-varve-backup", "{}", "are still coming from the agent that handed over the drive");
            assertRefused(
                    target, "drive-backup", backup(""), "are still coming from the agent that handed over the drive");
            assertRefused(target, "block-dirty-bitmap-clear", "{'node':'disk0','name':'all'}", "still coming");
            assertRefused(target, "block_resize", "{'device':'disk0','size':8388608}", "still coming");
            IOException early = assertThrows(IOException.class, () -> there.complete(handover));
            assertTrue(String.valueOf(early.getMessage()).contains("still misses the marks"), early.toString());
            carryMarks(here, there, handover);
            there.complete(handover);

            assertEquals(clusters(3, 7), target.content("all"));
            assertEquals(false, target.bitmap("all").path("busy").asBoolean());
            var _ = target.qmp("drive-backup", backup(""));
        }
    }

    @Test
    void shouldRefuseMarksThatAreNotTheSealedOnes() throws Exception { // I4
        try (TestAgent source = source();
                TestAgent target = target();
                QmpClient from = source.monitor();
                QmpClient to = target.monitor()) {
            source.addBitmap("all");
            write(source, 3);
            AgentDrive here = new AgentDrive(from, TestAgent.DRIVE);
            AgentDrive there = new AgentDrive(to, TestAgent.DRIVE);
            IncarnationId handover = attach(here, there);
            long generation = missing(there).missing().first();
            Chunk chunk = here.read(handover, new Part.OfGeneration(generation), 0);
            byte[] other = chunk.bytes();
            other[other.length - 2]++;

            QmpRefusedException refused = assertThrows(
                    QmpRefusedException.class,
                    () -> there.write(handover, new Part.OfGeneration(generation), Chunk.of(other, 0)));

            assertTrue(String.valueOf(refused.getMessage()).contains("have the digest"), refused.toString());
            assertTrue(missing(there).missing().contains(generation));
        }
    }

    @Test
    void shouldGoOnWhenTheTargetDiesInTheMiddle() throws Exception { // I1, I3
        try (TestAgent source = source();
                QmpClient from = source.monitor()) {
            source.addBitmap("all");
            write(source, 3);
            source.addBitmap("second");
            write(source, 5);
            AgentDrive here = new AgentDrive(from, TestAgent.DRIVE);
            TestAgent target = TestAgent.in(directory.resolve("b"), image, ",incoming=on");
            try (TestAgent first = target.startApart();
                    QmpClient to = first.monitor()) {
                AgentDrive there = new AgentDrive(to, TestAgent.DRIVE);
                IncarnationId handover = attach(here, there);
                carry(here, there, handover, missing(there).missing().first());
                write(first, 7);
                first.child().killNow();
            }
            try (TestAgent second = target.startApart();
                    QmpClient to = second.monitor()) {
                AgentDrive there = new AgentDrive(to, TestAgent.DRIVE);
                assertEquals(1, missing(there).missing().size());
                write(second, 9);

                assertInstanceOf(HandoverRun.End.Done.class, run(here, there));

                assertEquals(clusters(3, 5, 7, 9), second.content("all"));
                assertEquals(clusters(5, 7, 9), second.content("second"));
                assertInstanceOf(SourceSide.Absent.class, here.side());
            }
        }
    }

    @Test
    void shouldLeaveTheDriveAloneThatAnAwakenedOrRestartedSourceHandedOver() throws Exception { // I8, reliability 2g
        TestAgent source = TestAgent.in(directory.resolve("a"), image, "").startApart();
        try (TestAgent target = target();
                QmpClient to = target.monitor();
                QmpClient from = source.monitor();
                NbdClient guest = NbdClient.connect(source.export(), List.of(), NbdClientOptions.DEFAULT)) {
            source.addBitmap("all");
            write(source, 3);
            AgentDrive here = new AgentDrive(from, TestAgent.DRIVE);
            AgentDrive there = new AgentDrive(to, TestAgent.DRIVE);
            IncarnationId handover = attach(here, there);
            signal(source, "STOP");
            // Asleep, it still owns its folder: nobody takes its state from under it.
            IOException owned = assertThrows(
                    IOException.class,
                    () -> ReleasedDrive.ofStoppedAgent(source.stateDirectory(), TestAgent.DRIVE)
                            .close());
            assertTrue(String.valueOf(owned.getMessage()).contains("another agent uses"), owned.toString());
            write(target, 7);
            signal(source, "CONT");

            assertThrows(
                    IOException.class, () -> guest.write(0, ByteBuffer.allocate(512), Durability.CACHED), "its guest");
            assertInstanceOf(SourceSide.Released.class, here.side());
            carryMarks(here, there, handover);
            there.complete(handover);
            source.child().killNow();
            try (TestAgent again = source.startApart();
                    QmpClient monitor = again.monitor()) {
                assertTrue(again.log().contains("was handed over to another agent, and isn't served here"));
                assertEquals(0, again.qmp("query-block", "{}").size());
                AgentDrive awake = new AgentDrive(monitor, TestAgent.DRIVE);
                QmpRefusedException refused = assertThrows(QmpRefusedException.class, () -> awake.takeBack(handover));
                assertTrue(String.valueOf(refused.getMessage()).contains("in use by"), refused.toString());
                assertInstanceOf(SourceSide.Released.class, awake.side());
                assertInstanceOf(HandoverRun.End.Done.class, run(awake, there));
                assertThrows(QmpRefusedException.class, () -> awake.takeBack(handover));
            }
            assertEquals(clusters(3, 7), target.content("all"));
        } finally {
            source.close();
        }
    }

    @Test
    void shouldTakeBackWhatNobodyTookAndNothingThatWasWrittenElsewhere() throws Exception { // I3, I6
        try (TestAgent source = source();
                QmpClient from = source.monitor()) {
            source.addBitmap("all");
            write(source, 3);
            AgentDrive here = new AgentDrive(from, TestAgent.DRIVE);
            here.release("somebody");
            assertEquals(0, source.qmp("query-block", "{}").size());

            here.takeBack(released(here));

            write(source, 5);
            assertEquals(clusters(3, 5), source.content("all"));
            here.release("somebody");
            Files.write(image, new byte[SIZE_BYTES]);
            QmpRefusedException refused = assertThrows(QmpRefusedException.class, () -> here.takeBack(released(here)));
            assertTrue(String.valueOf(refused.getMessage()).contains("the image"), refused.toString());
        }
    }

    @Test
    void shouldRefuseAnImageThatIsNotTheOneThatWasLeft() throws Exception { // I6
        try (TestAgent source = source();
                TestAgent target = target();
                QmpClient from = source.monitor();
                QmpClient to = target.monitor()) {
            source.addBitmap("all");
            AgentDrive here = new AgentDrive(from, TestAgent.DRIVE);
            AgentDrive there = new AgentDrive(to, TestAgent.DRIVE);
            here.release("target");
            byte[] changed = new byte[SIZE_BYTES];
            changed[0] = 1;
            Files.write(image, changed);

            QmpRefusedException refused = assertThrows(QmpRefusedException.class, () -> run(here, there));

            assertTrue(String.valueOf(refused.getMessage()).contains("can't be taken over"), refused.toString());
            assertInstanceOf(TargetSide.Absent.class, there.targetSide());
        }
    }

    @Test
    void shouldRefuseToHandOverADriveThatIsBackedUp() throws Exception { // I3
        try (TestAgent source = source();
                QmpClient from = source.monitor()) {
            var _ = source.qmp("drive-backup", backup(",'speed':65536"));
            AgentDrive here = new AgentDrive(from, TestAgent.DRIVE);

            QmpRefusedException refused = assertThrows(QmpRefusedException.class, () -> here.release("target"));

            assertTrue(String.valueOf(refused.getMessage()).contains("can't be handed over"), refused.toString());
            write(source, 1);
        }
    }

    private String backup(String more) {
        return "{'device':'disk0','target':'" + directory.resolve("backup.raw") + "','sync':'full','format':'raw'"
                + more + "}";
    }

    private TestAgent source() throws IOException {
        return TestAgent.in(directory.resolve("a"), image, "").start();
    }

    private TestAgent target() throws IOException {
        return TestAgent.in(directory.resolve("b"), image, ",incoming=on").start();
    }

    private static HandoverRun.End run(AgentDrive here, AgentDrive there) throws IOException, InterruptedException {
        var terms = new HandoverRun.Terms("target", false, Optional.empty(), false, false);
        return new HandoverRun(here, there, terms, step -> {}).run();
    }

    /** Up to where the target serves. */
    private static IncarnationId attach(AgentDrive here, AgentDrive there) throws IOException, InterruptedException {
        here.release("target");
        IncarnationId handover = released(here);
        HandoverRun.carry(here, there, handover, new Part.OfJournal());
        there.attach(handover, false, Optional.empty());
        return handover;
    }

    private static IncarnationId released(AgentDrive here) throws IOException, InterruptedException {
        return assertInstanceOf(SourceSide.Released.class, here.side()).handover();
    }

    private static TargetSide.Incoming missing(AgentDrive there) throws IOException, InterruptedException {
        return assertInstanceOf(TargetSide.Incoming.class, there.targetSide());
    }

    private static void carryMarks(AgentDrive here, AgentDrive there, IncarnationId handover)
            throws IOException, InterruptedException {
        for (long generation : missing(there).missing()) {
            carry(here, there, handover, generation);
        }
    }

    private static void carry(AgentDrive here, AgentDrive there, IncarnationId handover, long generation)
            throws IOException, InterruptedException {
        HandoverRun.carry(here, there, handover, new Part.OfGeneration(generation));
    }

    private static void write(TestAgent agent, int cluster) throws IOException {
        try (NbdClient guest = NbdClient.connect(agent.export(), List.of(), NbdClientOptions.DEFAULT)) {
            guest.write((long) cluster * TestAgent.CLUSTER_BYTES, ByteBuffer.allocate(512), Durability.CACHED);
        }
    }

    private static void signal(TestAgent agent, String signal) throws IOException, InterruptedException {
        String pid = Long.toString(agent.child().pid());
        assertEquals(
                0,
                new ProcessBuilder("kill", "-" + signal, pid)
                        .inheritIO()
                        .start()
                        .waitFor());
    }

    private static BitSet clusters(int... clusters) {
        BitSet set = new BitSet();
        for (int cluster : clusters) {
            set.set(cluster);
        }
        return set;
    }

    private static void assertRefused(TestAgent agent, String command, String arguments, String reason) {
        String refusal =
                String.valueOf(assertThrows(QmpRefusedException.class, () -> agent.qmp(command, arguments), command)
                        .getMessage());
        assertTrue(refusal.contains(reason), command + ": " + refusal);
    }
}
