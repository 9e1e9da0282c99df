package io.varve.capture.tracking;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.varve.capture.nbd.Export;
import io.varve.capture.snapshot.SnapshotRead;
import io.varve.core.Seeds;
import io.varve.core.bits.Extent;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Conclusion;
import io.varve.core.id.DriveId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Writers run over two drives while full and incremental backups of both are cut, copied and concluded, some as failed.
 * What the copies come to must be a legal state of both drives at each cut, by the naive model of {@link WriteHistory}.
 */
class ChainPropertyTest {
    private static final long SIZE_BYTES = 3 << 20;
    private static final int WRITERS = 3;
    private static final int CUTS = 6;
    private static final List<String> DRIVES = List.of("disk0", "disk1");

    @TempDir
    Path directory;

    @Test
    void shouldRestoreALegalStateOfBothDrivesAtEveryCutWhileWritersRun() {
        Seeds.forEach(3, random -> {
            try {
                run(random, directory.resolve("run-" + random.nextLong()));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    private static void run(SplittableRandom random, Path directory) throws IOException {
        java.nio.file.Files.createDirectories(directory);
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            List<Export> drives = new ArrayList<>();
            for (String drive : DRIVES) {
                drives.add(fixture.attach(drive, SIZE_BYTES));
            }
            List<GuestWriter> writers = new ArrayList<>();
            List<Thread> threads = new ArrayList<>();
            for (int lane = 0; lane < WRITERS; lane++) {
                GuestWriter writer = new GuestWriter(drives, lane, WRITERS, random.split());
                writers.add(writer);
                threads.add(Thread.ofPlatform().start(writer));
            }
            try {
                backUp(random, fixture, writers);
            } finally {
                writers.forEach(GuestWriter::stop);
                for (Thread thread : threads) {
                    join(thread);
                }
            }
            writers.forEach(GuestWriter::check);
        }
    }

    private static void backUp(SplittableRandom random, AgentFixture fixture, List<GuestWriter> writers)
            throws IOException {
        List<byte[]> restored = List.of(new byte[(int) SIZE_BYTES], new byte[(int) SIZE_BYTES]);
        check(
                fixture,
                writers,
                restored,
                () -> fixture.transact(
                        Completion.INDIVIDUAL,
                        AgentFixture.add("disk0", "b0"),
                        AgentFixture.full("disk0"),
                        AgentFixture.add("disk1", "b0"),
                        AgentFixture.full("disk1")));
        for (int cut = 1; cut < CUTS; cut++) {
            if (random.nextInt(3) == 0) {
                // I3: a failed increment's clusters are in the next one.
                conclude(fixture, increments(fixture), new Conclusion.Failed("the test wants it"));
            }
            check(fixture, writers, restored, () -> increments(fixture));
        }
    }

    private static List<StartedBackup> increments(AgentFixture fixture) {
        return fixture.transact(
                Completion.GROUPED, AgentFixture.incremental("disk0", "b0"), AgentFixture.incremental("disk1", "b0"));
    }

    private interface CutTaker {
        List<StartedBackup> take();
    }

    private static void check(AgentFixture fixture, List<GuestWriter> writers, List<byte[]> restored, CutTaker cutTaker)
            throws IOException {
        awaitProgress(writers);
        List<Integer> floors =
                writers.stream().map(w -> w.history().acknowledged()).toList();
        List<StartedBackup> backups = cutTaker.take();
        List<Integer> ceilings = writers.stream().map(w -> w.history().begun()).toList();

        awaitProgress(writers);
        for (int drive = 0; drive < DRIVES.size(); drive++) {
            copy(backups.get(drive), restored.get(drive));
        }

        for (int index = 0; index < writers.size(); index++) {
            writers.get(index).history().checkLegal(restored, floors.get(index), ceilings.get(index));
        }
        conclude(fixture, backups, new Conclusion.Written());
    }

    /** Copies what the backup is to hold over the state at the cut before. */
    private static void copy(StartedBackup backup, byte[] restored) {
        List<Extent> extents = backup.mark().kind() instanceof io.varve.core.drive.BackupKind.Full
                ? List.of(new Extent(0, restored.length))
                : backup.cut().orElseThrow().extents();
        for (Extent extent : extents) {
            ByteBuffer into = ByteBuffer.wrap(restored, (int) extent.offsetBytes(), (int) extent.lengthBytes());
            assertInstanceOf(SnapshotRead.Done.class, backup.snapshot().read(extent.offsetBytes(), into.slice()));
        }
    }

    private static void conclude(AgentFixture fixture, List<StartedBackup> backups, Conclusion conclusion)
            throws IOException {
        for (int drive = 0; drive < DRIVES.size(); drive++) {
            fixture.agent()
                    .conclude(
                            new DriveId(DRIVES.get(drive)),
                            backups.get(drive).mark().key(),
                            conclusion);
        }
    }

    /** Returns when each writer has had some more writes acknowledged. */
    private static void awaitProgress(List<GuestWriter> writers) {
        for (GuestWriter writer : writers) {
            int goal = writer.history().acknowledged() + 20;
            while (writer.history().acknowledged() < goal) {
                writer.check();
                Thread.onSpinWait();
            }
        }
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
