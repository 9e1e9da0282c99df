package io.varve.core.transaction;

import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Completion;
import io.varve.core.drive.DriveState;
import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The planner of transactions: all actions, in order, or none (QMP's transaction). Later actions see earlier ones; the
 * first that is refused is the answer.
 *
 * <p>Whatever can be refused is refused here, before any guest write is held.
 */
public final class Transaction {
    private final SortedMap<DriveId, DriveState> states;
    private final Completion completion;
    private final NodeRules rules;
    private final DraftMeans means;
    private final SortedMap<DriveId, DriveDraft> drafts = new TreeMap<>();
    private final SortedSet<DriveId> participants = new TreeSet<>();
    private final Set<BackupTarget> targets = EnumSet.noneOf(BackupTarget.class);

    private Transaction(
            SortedMap<DriveId, DriveState> states, Completion completion, SyncPointId syncPoint, NodeRules rules) {
        this.states = states;
        this.completion = completion;
        this.rules = rules;
        this.means = new DraftMeans(syncPoint, rules);
    }

    /** What the actions come to on nodes that allow everything, for an agent that takes no imports. */
    public static Plan plan(
            SortedMap<DriveId, DriveState> states, List<Action> actions, Completion completion, SyncPointId syncPoint) {
        return plan(states, actions, completion, syncPoint, NodeRules.PLAIN);
    }

    /**
     * What the actions come to.
     *
     * @param states of every drive of the agent
     * @param syncPoint the id of the sync point that the backups among the actions make
     * @param rules of the nodes behind the drives
     */
    public static Plan plan(
            SortedMap<DriveId, DriveState> states,
            List<Action> actions,
            Completion completion,
            SyncPointId syncPoint,
            NodeRules rules) {
        Transaction transaction = new Transaction(states, completion, syncPoint, rules);
        try {
            transaction.collectParticipants(actions);
            for (Action action : actions) {
                transaction.take(action);
            }
        } catch (Refusal refusal) {
            return new Plan.Refused(refusal.description());
        }
        return new Plan.Planned(
                transaction.drafts.values().stream().map(DriveDraft::plan).toList());
    }

    /** A backup of a node that isn't there is refused in its turn. */
    private void collectParticipants(List<Action> actions) {
        for (Action action : actions) {
            if (action instanceof Action.Backup backup) {
                state(backup.node()).ifPresent(state -> participants.add(state.drive()));
            }
        }
    }

    private void take(Action action) throws Refusal {
        switch (action) {
            case Action.AddBitmap add -> add(add);
            case Action.RemoveBitmap(String node, String name) ->
                bitmaps("block-dirty-bitmap-remove", node).remove(name);
            case Action.ClearBitmap(String node, String name) ->
                bitmaps("block-dirty-bitmap-clear", node).clear(name);
            case Action.EnableBitmap(String node, String name) ->
                bitmaps("block-dirty-bitmap-enable", node).enable(name);
            case Action.DisableBitmap(String node, String name) ->
                bitmaps("block-dirty-bitmap-disable", node).disable(name);
            case Action.MergeBitmaps merge ->
                new MergePlanner(rules, merge)
                        .take(bitmaps("block-dirty-bitmap-merge", merge.node()), node -> draft(node, notFound(node)));
            case Action.Backup backup -> {
                DriveDraft draft = draft(backup.node(), cannotFind(backup.node()));
                checkTarget(backup);
                draft.backup(backup, participants, completion);
            }
            case Action.Opaque(String type) -> checkNotGrouped(type);
            case Action.Abort() -> throw new Refusal("Transaction aborted using Abort action");
        }
    }

    private void add(Action.AddBitmap add) throws Refusal {
        checkNotGrouped("block-dirty-bitmap-add");
        if (add.name().isEmpty()) {
            throw new Refusal("Bitmap name cannot be empty");
        }
        draft(add.node(), cannotFind(add.node())).add(add);
    }

    private DriveDraft bitmaps(String type, String node) throws Refusal {
        checkNotGrouped(type);
        return draft(node, notFound(node));
    }

    private void checkNotGrouped(String type) throws Refusal {
        if (completion == Completion.GROUPED) {
            throw new Refusal("Action '" + type + "' does not support Transaction property completion-mode = grouped");
        }
    }

    private void checkTarget(Action.Backup backup) throws Refusal {
        targets.add(backup.target());
        if (completion == Completion.GROUPED && targets.size() > 1) {
            throw new Refusal("A grouped transaction has either file targets or archive targets, not both");
        }
    }

    private DriveDraft draft(String node, String missing) throws Refusal {
        DriveState state = state(node).orElseThrow(() -> new Refusal(missing));
        return drafts.computeIfAbsent(state.drive(), drive -> new DriveDraft(state, means));
    }

    private Optional<DriveState> state(String node) {
        return DriveId.isValid(node) ? Optional.ofNullable(states.get(new DriveId(node))) : Optional.empty();
    }

    private static String cannotFind(String node) {
        return "Cannot find device='" + node + "' nor node-name='" + node + "'";
    }

    private static String notFound(String node) {
        return "Node '" + node + "' not found";
    }
}
