package io.varve.core.transaction;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.varve.core.bits.Granularity;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.BitmapMode;
import io.varve.core.drive.Completion;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.FullCause;
import io.varve.core.drive.Recording;
import io.varve.core.fold.WritingAgent;
import io.varve.core.id.BitmapName;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class TransactionTest {
    private static final String NODE = WritingAgent.DRIVE.value();

    private final WritingAgent agent = new WritingAgent(1 << 20);

    @Test
    void shouldRefuseAsQemuRefuses() {
        agent.transact(List.of(add(NODE, "a")), Completion.INDIVIDUAL);

        assertEquals("Bitmap already exists: a", refusal(add(NODE, "a")));
        assertEquals("Bitmap name cannot be empty", refusal(add(NODE, "")));
        assertEquals("Bitmap name too long: " + "x".repeat(1024), refusal(add(NODE, "x".repeat(1024))));
        assertEquals("Cannot find device='zz' nor node-name='zz'", refusal(add("zz", "a")));
        assertEquals("Node 'zz' not found", refusal(new Action.ClearBitmap("zz", "a")));
        assertEquals("Dirty bitmap 'no' not found", refusal(new Action.RemoveBitmap(NODE, "no")));
        assertEquals("Granularity must be power of 2 and at least 512", refusal(granularity(513)));
        assertEquals("Bitmap 'no' could not be found", refusal(increment("no")));
        assertEquals("Transaction aborted using Abort action", refusal(new Action.Abort()));
        assertEquals(
                "must provide a valid bitmap name for 'incremental' sync mode",
                refusal(backup(SyncMode.INCREMENTAL, Optional.empty(), Optional.empty())));
        assertEquals(
                "Bitmap sync mode must be given when providing a bitmap",
                refusal(backup(SyncMode.FULL, Optional.of("a"), Optional.empty())));
        assertEquals(
                "Cannot specify bitmap sync mode without a bitmap",
                refusal(backup(SyncMode.FULL, Optional.empty(), Optional.of(BitmapMode.ALWAYS))));
    }

    @Test
    void shouldRefuseABusyBitmap() {
        agent.transact(List.of(add(NODE, "a"), increment("a")), Completion.INDIVIDUAL);

        assertEquals(
                "Bitmap 'a' is currently in use by another operation and cannot be used",
                refusal(new Action.ClearBitmap(NODE, "a")));
    }

    @Test
    void shouldChangeNothingWhenOneActionIsRefused() {
        DriveState before = agent.state();

        agent.transact(List.of(add(NODE, "a"), new Action.ClearBitmap(NODE, "no")), Completion.INDIVIDUAL);

        assertEquals(before, agent.state());
    }

    @Test
    void shouldSeeEarlierActions() {
        agent.transact(List.of(add(NODE, "a"), new Action.DisableBitmap(NODE, "a")), Completion.INDIVIDUAL);

        assertEquals(
                false, agent.state().bitmap(new BitmapName("a")).orElseThrow().isRecording());
        assertEquals(
                "Bitmap already exists: a",
                assertInstanceOf(
                                Plan.Refused.class,
                                agent.transact(
                                        List.of(new Action.RemoveBitmap(NODE, "a"), add(NODE, "a")),
                                        Completion.INDIVIDUAL))
                        .description());
    }

    @Test
    void shouldTrackAsFinelyAsTheFinestBitmap() {
        agent.transact(List.of(granularity(4096)), Completion.INDIVIDUAL);

        assertEquals(new Granularity(4096), agent.state().open().granularity());
    }

    @Test
    void shouldFreezeTheCutAndLeaveTheOpenGenerationToTheSuccessor() {
        agent.transact(List.of(add(NODE, "a")), Completion.INDIVIDUAL);

        Plan plan = agent.transact(List.of(increment("a")), Completion.INDIVIDUAL);

        DrivePlan drive = assertInstanceOf(Plan.Planned.class, plan).drives().getFirst();
        assertEquals(
                new TreeSet<>(List.of(2L)),
                drive.backups().getFirst().cut().orElseThrow().generations());
        assertEquals(
                new TreeSet<>(List.of(2L, 3L)),
                agent.state().bitmap(new BitmapName("a")).orElseThrow().allGenerations());
    }

    @Test
    void shouldRefuseAnArchiveIncrementWithoutAnAnchor() { // reliability 6.4
        agent.transact(List.of(add(NODE, "a")), Completion.INDIVIDUAL);

        assertEquals(
                "Bitmap 'a' of drive 'drive0' has no anchor in the archive, so an increment would leave a gap: "
                        + "use sync 'full'",
                refusal(new Action.Backup(
                        NODE, SyncMode.INCREMENTAL, Optional.of("a"), Optional.empty(), BackupTarget.ARCHIVE)));
    }

    @Test
    void shouldRefuseASecondArchiveBackupWhileOneIsUndecided() {
        Action full = new Action.Backup(NODE, SyncMode.FULL, Optional.empty(), Optional.empty(), BackupTarget.ARCHIVE);
        agent.transact(List.of(full), Completion.INDIVIDUAL);

        assertEquals(
                "drive 'drive0' has a backup to the archive, sync point 'sp-1', that isn't decided yet: "
                        + "wait for its end (query-jobs), or cancel it",
                refusal(full));
    }

    @Test
    void shouldMarkAFullBackupToTheArchiveWithItsCause() {
        assertEquals(
                new BackupKind.Full(Optional.of(FullCause.NO_ANCHOR)),
                kind(because(BackupTarget.ARCHIVE, FullCause.NO_ANCHOR)));
    }

    @Test
    void shouldMarkNoCauseOfWhatWasAskedForOrIsNoFullBackupToTheArchive() {
        agent.transact(List.of(add(NODE, "a")), Completion.INDIVIDUAL);

        assertEquals(
                new BackupKind.Full(Optional.empty()),
                kind(new Action.Backup(NODE, SyncMode.FULL, Optional.empty(), Optional.empty(), BackupTarget.ARCHIVE)));
        assertEquals(new BackupKind.Full(Optional.empty()), kind(because(BackupTarget.FILE, FullCause.NO_ANCHOR)));
        BackupKind increment = kind(new Action.Backup(
                NODE,
                SyncMode.INCREMENTAL,
                Optional.of("a"),
                Optional.empty(),
                BackupTarget.FILE,
                Optional.of(FullCause.NO_ANCHOR)));
        assertEquals(new BackupKind.Incremental(Optional.empty()), increment);
        assertEquals(Optional.empty(), increment.fullCause());
    }

    @Test
    void shouldRefuseBitmapActionsInAGroup() {
        assertEquals(
                "Action 'block-dirty-bitmap-add' does not support Transaction property completion-mode = grouped",
                assertInstanceOf(Plan.Refused.class, agent.transact(List.of(add(NODE, "a")), Completion.GROUPED))
                        .description());
    }

    private BackupKind kind(Action backup) {
        Plan plan = agent.transact(List.of(backup), Completion.INDIVIDUAL);
        return assertInstanceOf(Plan.Planned.class, plan)
                .drives()
                .getFirst()
                .backups()
                .getFirst()
                .kind();
    }

    private static Action because(BackupTarget target, FullCause cause) {
        return new Action.Backup(NODE, SyncMode.FULL, Optional.empty(), Optional.empty(), target, Optional.of(cause));
    }

    private String refusal(Action action) {
        return assertInstanceOf(Plan.Refused.class, agent.transact(List.of(action), Completion.INDIVIDUAL))
                .description();
    }

    private static Action add(String node, String name) {
        return new Action.AddBitmap(node, name, Optional.empty(), true, Recording.ENABLED);
    }

    private static Action granularity(long bytes) {
        return new Action.AddBitmap(NODE, "g", Optional.of(bytes), true, Recording.ENABLED);
    }

    private static Action increment(String bitmap) {
        return backup(SyncMode.INCREMENTAL, Optional.of(bitmap), Optional.empty());
    }

    private static Action backup(SyncMode sync, Optional<String> bitmap, Optional<BitmapMode> mode) {
        return new Action.Backup(NODE, sync, bitmap, mode, BackupTarget.FILE);
    }
}
