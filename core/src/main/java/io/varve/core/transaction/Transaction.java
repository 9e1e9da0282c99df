package io.varve.core.transaction;

import io.varve.core.drive.Completion;
import io.varve.core.drive.DriveState;
import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;
import java.util.List;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The planner of transactions: all actions, in order, or none (QMP's transaction). Later actions see earlier ones.
 *
 * <p>Whatever can be refused is refused here, before any guest write is held.
 */
public final class Transaction {
    private final SyncPointId syncPoint;
    private final Completion completion;
    private final SortedMap<DriveId, DriveDraft> drafts = new TreeMap<>();
    private final SortedSet<DriveId> participants = new TreeSet<>();

    private Transaction(SyncPointId syncPoint, Completion completion) {
        this.syncPoint = syncPoint;
        this.completion = completion;
    }

    /**
     * What the actions come to.
     *
     * @param states of every drive of the agent
     * @param syncPoint the id of the sync point that the backups among the actions make
     */
    public static Plan plan(
            SortedMap<DriveId, DriveState> states, List<Action> actions, Completion completion, SyncPointId syncPoint) {
        Transaction transaction = new Transaction(syncPoint, completion);
        try {
            transaction.checkTargets(actions);
            transaction.collectParticipants(states, actions);
            for (Action action : actions) {
                transaction.take(states, action);
            }
        } catch (Refusal refusal) {
            return new Plan.Refused(refusal.description());
        }
        return new Plan.Planned(
                transaction.drafts.values().stream().map(DriveDraft::plan).toList());
    }

    private void checkTargets(List<Action> actions) throws Refusal {
        long kinds = actions.stream()
                .filter(Action.Backup.class::isInstance)
                .map(a -> ((Action.Backup) a).target())
                .distinct()
                .count();
        if (completion == Completion.GROUPED && kinds > 1) {
            throw new Refusal("A grouped transaction has either file targets or archive targets, not both");
        }
    }

    private void collectParticipants(SortedMap<DriveId, DriveState> states, List<Action> actions) throws Refusal {
        for (Action action : actions) {
            if (action instanceof Action.Backup backup) {
                participants.add(
                        state(states, backup.node(), cannotFind(backup.node())).drive());
            }
        }
    }

    private void take(SortedMap<DriveId, DriveState> states, Action action) throws Refusal {
        switch (action) {
            case Action.AddBitmap add ->
                draft(states, add.node(), cannotFind(add.node()), "block-dirty-bitmap-add")
                        .add(add);
            case Action.RemoveBitmap(String node, String name) ->
                draft(states, node, notFound(node), "block-dirty-bitmap-remove").remove(name);
            case Action.ClearBitmap(String node, String name) ->
                draft(states, node, notFound(node), "block-dirty-bitmap-clear").clear(name);
            case Action.EnableBitmap(String node, String name) ->
                draft(states, node, notFound(node), "block-dirty-bitmap-enable").enable(name);
            case Action.DisableBitmap(String node, String name) ->
                draft(states, node, notFound(node), "block-dirty-bitmap-disable")
                        .disable(name);
            case Action.MergeBitmaps merge ->
                draft(states, merge.node(), notFound(merge.node()), "block-dirty-bitmap-merge")
                        .merge(merge);
            case Action.Backup backup -> {
                DriveDraft draft = open(states, backup.node(), cannotFind(backup.node()));
                draft.backup(backup, participants, completion);
            }
            case Action.Abort() -> throw new Refusal("Transaction aborted using Abort action");
        }
    }

    private DriveDraft draft(SortedMap<DriveId, DriveState> states, String node, String missing, String type)
            throws Refusal {
        if (completion == Completion.GROUPED) {
            throw new Refusal("Action '" + type + "' does not support Transaction property completion-mode = grouped");
        }
        return open(states, node, missing);
    }

    private DriveDraft open(SortedMap<DriveId, DriveState> states, String node, String missing) throws Refusal {
        DriveState state = state(states, node, missing);
        return drafts.computeIfAbsent(state.drive(), drive -> new DriveDraft(state, syncPoint));
    }

    private static DriveState state(SortedMap<DriveId, DriveState> states, String node, String missing) throws Refusal {
        DriveState state = DriveId.isValid(node) ? states.get(new DriveId(node)) : null;
        if (state == null) {
            throw new Refusal(missing);
        }
        return state;
    }

    private static String cannotFind(String node) {
        return "Cannot find device='" + node + "' nor node-name='" + node + "'";
    }

    private static String notFound(String node) {
        return "Node '" + node + "' not found";
    }
}
