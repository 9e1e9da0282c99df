package io.varve.capture.tracking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.Tool;
import io.varve.core.bits.Digest;
import io.varve.core.bits.Extent;
import io.varve.core.bits.HierarchicalBitSet;
import io.varve.core.drive.Anchor;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.BitmapMode;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Conclusion;
import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;
import io.varve.core.transaction.Action;
import io.varve.core.transaction.SyncMode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConclusionTest {
    private static final long SIZE_BYTES = 1 << 20;
    private static final DriveId DRIVE = new DriveId("disk0");
    private static final Extent BEFORE = new Extent(0, 65_536);
    private static final Extent AFTER = new Extent(131_072, 65_536);
    private static final Anchor ANCHOR = new Anchor(
            new SyncPointId("sp-1"), new SyncPointId("sp-1"), 0, "manifest", Digest.of(HierarchicalBitSet.ofHeap(1)));

    @TempDir
    Path directory;

    @Test
    void shouldDropOnlyWhatASuccessMayDrop() throws IOException { // I3
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            var _ = fixture.attach("disk0", SIZE_BYTES);
            for (BitmapMode mode : BitmapMode.values()) {
                for (Conclusion conclusion : List.of(
                        new Conclusion.Written(),
                        new Conclusion.Failed("test"),
                        new Conclusion.Cancelled(),
                        new Conclusion.Aborted("test"))) {
                    List<Extent> left = conclude(fixture, mode, conclusion);

                    boolean dropped = conclusion instanceof Conclusion.Written && mode != BitmapMode.NEVER;
                    assertEquals(dropped ? List.of(AFTER) : List.of(BEFORE, AFTER), left, mode + " and " + conclusion);
                }
            }
        }
    }

    @Test
    void shouldDropNothingWhenACommitComesAfterTheBitsWerePutBack() throws IOException { // I3, reliability 6.15
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            var export = fixture.attach("disk0", SIZE_BYTES);
            List<StartedBackup> first = fixture.transact(
                    Completion.INDIVIDUAL, AgentFixture.add("disk0", "a"), archive(SyncMode.FULL, Optional.empty()));
            conclude(fixture, first, new Conclusion.Committed(ANCHOR));
            AgentFixture.write(export, BEFORE.offsetBytes(), new byte[512]);
            List<StartedBackup> second =
                    fixture.transact(Completion.INDIVIDUAL, archive(SyncMode.INCREMENTAL, Optional.of("a")));
            AgentFixture.write(export, AFTER.offsetBytes(), new byte[512]);

            conclude(fixture, second, new Conclusion.Failed("snapshot gone"));
            conclude(fixture, second, new Conclusion.Committed(ANCHOR));

            assertEquals(List.of(BEFORE, AFTER), fixture.content("disk0", "a").extents());
            assertEquals(Optional.of(ANCHOR), fixture.bitmap("disk0", "a").anchor());
            assertTrue(fixture.state("disk0").undecided().isEmpty());
        }
    }

    @Test
    void shouldFreeABitmapAsSoonAsTheJournalTakesItsBackupsEnd() throws Exception { // I3
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            var _ = fixture.attach("disk0", SIZE_BYTES);
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.add("disk0", "a"));
            AgentFixture.write(fixture.export("disk0"), BEFORE.offsetBytes(), new byte[512]);
            List<StartedBackup> backups = fixture.transact(
                    Completion.INDIVIDUAL,
                    new Action.Backup(
                            "disk0",
                            SyncMode.BITMAP,
                            Optional.of("a"),
                            Optional.of(BitmapMode.ON_SUCCESS),
                            BackupTarget.FILE));

            limitFiles("0");
            try {
                assertThrows(IOException.class, () -> conclude(fixture, backups, new Conclusion.Written()));
            } finally {
                limitFiles("unlimited");
            }
            AgentFixture.write(fixture.export("disk0"), AFTER.offsetBytes(), new byte[512]);
            fixture.transact(Completion.INDIVIDUAL, new Action.DisableBitmap("disk0", "a"));

            assertEquals(List.of(BEFORE, AFTER), fixture.content("disk0", "a").extents());
        }
    }

    /** No file of this process takes anything behind so many bytes. */
    private static void limitFiles(String bytes) throws Exception {
        String pid = String.valueOf(ProcessHandle.current().pid());
        Tool.run("prlimit", "--pid", pid, "--fsize=" + bytes + ":").success();
    }

    private static List<Extent> conclude(AgentFixture fixture, BitmapMode mode, Conclusion conclusion)
            throws IOException {
        fixture.transact(Completion.INDIVIDUAL, AgentFixture.add("disk0", "a"));
        AgentFixture.write(fixture.export("disk0"), BEFORE.offsetBytes(), new byte[512]);
        List<StartedBackup> backups = fixture.transact(
                Completion.INDIVIDUAL,
                new Action.Backup("disk0", SyncMode.BITMAP, Optional.of("a"), Optional.of(mode), BackupTarget.FILE));
        AgentFixture.write(fixture.export("disk0"), AFTER.offsetBytes(), new byte[512]);
        conclude(fixture, backups, conclusion);
        List<Extent> left = new ArrayList<>(fixture.content("disk0", "a").extents());
        fixture.transact(Completion.INDIVIDUAL, new Action.RemoveBitmap("disk0", "a"));
        return left;
    }

    private static void conclude(AgentFixture fixture, List<StartedBackup> backups, Conclusion conclusion)
            throws IOException {
        fixture.agent().conclude(DRIVE, backups.getFirst().mark().key(), conclusion);
    }

    private static Action archive(SyncMode sync, Optional<String> bitmap) {
        return new Action.Backup("disk0", sync, bitmap, Optional.empty(), BackupTarget.ARCHIVE);
    }
}
