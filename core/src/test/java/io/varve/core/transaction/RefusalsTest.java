package io.varve.core.transaction;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.varve.core.bits.Granularity;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.BitmapMode;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Doubt;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.NewArea;
import io.varve.core.drive.Recording;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.fold.Fold;
import io.varve.core.fold.WritingAgent;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;
import io.varve.core.transaction.Action.MergeBitmaps.Source;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What QEMU 7.2 refuses, in its words, and which of two reasons it names. */
class RefusalsTest {
    private static final String NODE = WritingAgent.DRIVE.value();
    private static final String OTHER = "other";
    private static final String SMALLER = "smaller";

    private final Nodes nodes = new Nodes();
    private final WritingAgent agent = new WritingAgent(1 << 20);
    private final WritingAgent other = new WritingAgent(new DriveId(OTHER), 1 << 20);
    private final WritingAgent smaller = new WritingAgent(new DriveId(SMALLER), 1 << 19);
    private Optional<DriveState> changed = Optional.empty();

    private static final class Nodes implements NodeRules {
        final Set<String> readOnly = new HashSet<>();
        final Set<String> inUse = new HashSet<>();
        Optional<String> persistence = Optional.empty();

        @Override
        public Optional<String> whyNotPersistent(DriveState state, String name, Granularity granularity) {
            return persistence;
        }

        @Override
        public boolean isReadOnly(DriveId drive, BitmapName bitmap) {
            return readOnly.contains(bitmap.value());
        }

        @Override
        public boolean isInUse(DriveId drive, BitmapName bitmap) {
            return inUse.contains(bitmap.value());
        }

        @Override
        public boolean takesImports() {
            return true;
        }
    }

    @Test
    void shouldCheckANewBitmapInQemusOrder() {
        agent.transact(List.of(add(NODE, "a", 512)), Completion.INDIVIDUAL);
        nodes.persistence = Optional.of(
                "Can't make bitmap 'a' persistent in 'v2': " + "Cannot store dirty bitmaps in qcow2 v2 files");

        refused("Bitmap name cannot be empty", add("zz", "", 3));
        refused("Cannot find device='zz' nor node-name='zz'", add("zz", "a", 3));
        refused("Granularity must be power of 2 and at least 512", add(NODE, "a", 3));
        refused("Granularity must be power of 2 and at least 512", add(NODE, "a", 1L << 32));
        refused(
                "Can't make bitmap 'a' persistent in 'v2': Cannot store dirty bitmaps in qcow2 v2 files",
                new Action.AddBitmap(NODE, "a", Optional.empty(), true, Recording.ENABLED));
        refused("Bitmap already exists: a", add(NODE, "a", 512));
        refused("Bitmap name too long: " + "ü".repeat(512), add(NODE, "ü".repeat(512), 512));
        planned(add(NODE, "x".repeat(1023), 1L << 31));
    }

    @Test
    void shouldNameBusyThenReadOnlyThenInconsistent() {
        agent.transact(List.of(add(NODE, "a", 512), add(NODE, "b", 512)), Completion.INDIVIDUAL);
        String busy = "Bitmap 'a' is currently in use by another operation and cannot be used";
        String readOnly = "Bitmap 'a' is readonly and cannot be modified";
        String inconsistent = "Bitmap 'a' is inconsistent and cannot be used";

        inconsistent("a");
        planned(new Action.RemoveBitmap(NODE, "a"));
        refused(inconsistent, new Action.ClearBitmap(NODE, "a"));
        refused(inconsistent, new Action.EnableBitmap(NODE, "a"));
        refused(inconsistent, new Action.DisableBitmap(NODE, "a"));
        refused(inconsistent, merge("b", "a"));
        refused(inconsistent, merge("a", "b"));
        refused(inconsistent, backup(SyncMode.BITMAP, "a", BitmapMode.NEVER));
        nodes.readOnly.add("a");
        refused(readOnly, new Action.RemoveBitmap(NODE, "a"));
        refused(readOnly, new Action.ClearBitmap(NODE, "a"));
        refused(inconsistent, new Action.EnableBitmap(NODE, "a"));
        nodes.inUse.add("a");
        refused(busy, new Action.RemoveBitmap(NODE, "a"));
        refused(busy, new Action.ClearBitmap(NODE, "a"));
        refused(busy, new Action.EnableBitmap(NODE, "a"));
        refused(busy, merge("b", "a"));
    }

    @Test
    void shouldReadAReadOnlyBitmapAndRecordInIt() {
        agent.transact(List.of(add(NODE, "a", 512), add(NODE, "b", 512)), Completion.INDIVIDUAL);
        nodes.readOnly.add("a");

        planned(new Action.DisableBitmap(NODE, "a"), new Action.EnableBitmap(NODE, "a"), merge("b", "a"));
        planned(backup(SyncMode.BITMAP, "a", BitmapMode.NEVER));
        refused("Bitmap 'a' is readonly and cannot be modified", merge("a", "b"));
        refused("Bitmap 'a' is readonly and cannot be modified", backup(SyncMode.BITMAP, "a", BitmapMode.ALWAYS));
        refused("Bitmap 'a' is readonly and cannot be modified", backup(SyncMode.FULL, "a", BitmapMode.ON_SUCCESS));
    }

    @Test
    void shouldFollowTheMatrixOfSyncAndBitmapModes() {
        agent.transact(List.of(add(NODE, "a", 512), add(NODE, "b", 512)), Completion.INDIVIDUAL);
        inconsistent("b");

        refused("must provide a valid bitmap name for 'bitmap' sync mode", backup(SyncMode.BITMAP, null, null));
        refused(
                "must provide a valid bitmap name for 'incremental' sync mode",
                backup(SyncMode.INCREMENTAL, null, BitmapMode.NEVER));
        refused(
                "Bitmap sync mode must be 'on-success' when using sync mode 'incremental'",
                backup(SyncMode.INCREMENTAL, "no", BitmapMode.ALWAYS));
        refused("Bitmap 'no' could not be found", backup(SyncMode.NONE, "no", null));
        refused("Bitmap sync mode must be given when providing a bitmap", backup(SyncMode.FULL, "b", null));
        refused("Bitmap 'b' is inconsistent and cannot be used", backup(SyncMode.NONE, "b", BitmapMode.NEVER));
        refused(
                "sync mode 'none' does not produce meaningful bitmap outputs",
                backup(SyncMode.NONE, "a", BitmapMode.NEVER));
        for (SyncMode sync : List.of(SyncMode.FULL, SyncMode.TOP)) {
            refused(
                    "Bitmap sync mode 'never' has no meaningful effect when combined with sync mode '" + sync.qmpName()
                            + "'",
                    backup(sync, "a", BitmapMode.NEVER));
            planned(backup(sync, "a", BitmapMode.ALWAYS));
        }
        refused("Cannot specify bitmap sync mode without a bitmap", backup(SyncMode.NONE, null, BitmapMode.NEVER));
        planned(backup(SyncMode.INCREMENTAL, "a", BitmapMode.ON_SUCCESS));
        planned(backup(SyncMode.NONE, null, null), backup(SyncMode.TOP, null, null));
        refused(
                "Bitmap 'a' is currently in use by another operation and cannot be used",
                backup(SyncMode.INCREMENTAL, "a", null),
                backup(SyncMode.INCREMENTAL, "a", null));
    }

    @Test
    void shouldSendOnlyChainsToTheArchive() {
        agent.transact(List.of(add(NODE, "a", 512)), Completion.INDIVIDUAL);

        for (SyncMode sync : List.of(SyncMode.TOP, SyncMode.NONE)) {
            refused(
                    "sync mode '" + sync.qmpName() + "' can't go to the archive, which holds full and incremental "
                            + "backups: use 'full', 'incremental' or 'bitmap'",
                    new Action.Backup(NODE, sync, Optional.empty(), Optional.empty(), BackupTarget.ARCHIVE));
        }
        refused(
                "a backup to the archive keeps its bitmap only 'on-success': another mode would break the chain",
                new Action.Backup(
                        NODE, SyncMode.FULL, Optional.of("a"), Optional.of(BitmapMode.ALWAYS), BackupTarget.ARCHIVE));
    }

    @Test
    void shouldCheckTheSourcesOfAMergeBeforeItsTarget() {
        agent.transact(List.of(add(NODE, "a", 512), add(NODE, "b", 512)), Completion.INDIVIDUAL);
        smaller.transact(List.of(add(SMALLER, "s", 512)), Completion.INDIVIDUAL);
        other.transact(List.of(add(OTHER, "o", 65536)), Completion.INDIVIDUAL);
        nodes.inUse.add("a");

        refused("Dirty bitmap 'zz' not found", merge("zz", "no"));
        refused("Dirty bitmap 'no' not found", merge("a", "b", "no"));
        refused("Node 'zz' not found", from("a", new Source("zz", "s")));
        refused(
                "Bitmaps are of different sizes (destination size is 1048576, source size is 524288) "
                        + "and can't be merged",
                from("a", new Source(SMALLER, "s")));
        refused("Bitmap 'a' is currently in use by another operation and cannot be used", merge("a", "b"));
        planned(merge("b"), merge("b", "b"), from("b", new Source(OTHER, "o")));
    }

    @Test
    void shouldKeepTheNameOfARemovedBitmapUntilTheEnd() {
        agent.transact(List.of(add(NODE, "a", 512)), Completion.INDIVIDUAL);
        Action remove = new Action.RemoveBitmap(NODE, "a");

        refused("Bitmap already exists: a", remove, add(NODE, "a", 512));
        refused("Bitmap 'a' is currently in use by another operation and cannot be used", remove, remove);
        refused(
                "Bitmap 'a' is currently in use by another operation and cannot be used",
                remove,
                backup(SyncMode.INCREMENTAL, "a", null));
    }

    @Test
    void shouldAnswerTheFirstRefusalOfATransaction() {
        refused(
                "Dirty bitmap 'no' not found",
                new Action.ClearBitmap(NODE, "no"),
                new Action.Backup("zz", SyncMode.FULL, Optional.empty(), Optional.empty(), BackupTarget.FILE));
        refused(
                "Transaction aborted using Abort action",
                new Action.Opaque("blockdev-snapshot-sync"),
                new Action.Abort());
        planned();
        for (Map.Entry<String, Action> each : Map.of(
                        "block-dirty-bitmap-add", add("zz", "", 3),
                        "block-dirty-bitmap-merge", merge("no"),
                        "blockdev-snapshot-sync", (Action) new Action.Opaque("blockdev-snapshot-sync"))
                .entrySet()) {
            assertEquals(
                    "Action '" + each.getKey() + "' does not support Transaction property completion-mode = grouped",
                    refusal(Completion.GROUPED, each.getValue()));
        }
    }

    @Test
    void shouldRefuseAResizeWhileABackupRuns() {
        agent.transact(List.of(backup(SyncMode.FULL, null, null)), Completion.INDIVIDUAL);

        assertEquals(
                new Plan.Refused("Node 'drive0' is busy: block device is in use by block job: backup"),
                Resize.plan(agent.state(), 1 << 21, NewArea.ZEROES));
        assertEquals(
                new Plan.Refused("The new size must be a multiple of 512"),
                Resize.plan(other.state(), 513, NewArea.ZEROES));
    }

    private void inconsistent(String bitmap) {
        DriveState state = agent.state();
        changed = Fold.apply(
                        Optional.of(state),
                        new LogRecord(
                                state.drive(),
                                state.line().getLast(),
                                state.control() + 1,
                                new DriveEvent.BitmapMarkedInconsistent(
                                        new BitmapName(bitmap), Doubt.marksLost("lost"))))
                .state();
    }

    private void refused(String description, Action... actions) {
        assertEquals(description, refusal(Completion.INDIVIDUAL, actions));
    }

    private String refusal(Completion completion, Action... actions) {
        return assertInstanceOf(Plan.Refused.class, plan(completion, actions)).description();
    }

    private void planned(Action... actions) {
        assertInstanceOf(Plan.Planned.class, plan(Completion.INDIVIDUAL, actions));
    }

    private Plan plan(Completion completion, Action... actions) {
        TreeMap<DriveId, DriveState> states = new TreeMap<>(Map.of(
                WritingAgent.DRIVE,
                changed.orElse(agent.state()),
                new DriveId(OTHER),
                other.state(),
                new DriveId(SMALLER),
                smaller.state()));
        return Transaction.plan(states, List.of(actions), completion, new SyncPointId("sp"), nodes);
    }

    private static Action add(String node, String name, long granularityBytes) {
        return new Action.AddBitmap(node, name, Optional.of(granularityBytes), false, Recording.ENABLED);
    }

    private static Action merge(String target, String... sources) {
        return from(target, Arrays.stream(sources).map(s -> new Source(NODE, s)).toArray(Source[]::new));
    }

    private static Action from(String target, Source... sources) {
        return new Action.MergeBitmaps(NODE, target, List.of(sources));
    }

    private static Action backup(SyncMode sync, @Nullable String bitmap, @Nullable BitmapMode mode) {
        return new Action.Backup(NODE, sync, Optional.ofNullable(bitmap), Optional.ofNullable(mode), BackupTarget.FILE);
    }
}
