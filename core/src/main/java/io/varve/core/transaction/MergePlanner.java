package io.varve.core.transaction;

import io.varve.core.drive.Bitmap;
import io.varve.core.drive.DriveState;
import io.varve.core.event.DriveEvent;
import io.varve.core.id.BitmapName;
import io.varve.core.transaction.DrivePlan.PlannedImport;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * A merge: the target takes in what each source holds now.
 *
 * <pre>
 *   a source of the same drive, as fine or finer    its generations join: widened to the target's granularity, they're
 *                                                   the source's granules
 *   one that is coarser, of another drive,
 *   or older than a shrink of the drive             its content becomes a generation of the target's drive
 * </pre>
 */
final class MergePlanner {
    private final NodeRules rules;
    private final Action.MergeBitmaps merge;

    /** A source and the drive that it's on. */
    private record From(DriveDraft draft, Bitmap bitmap) {}

    /** Finds the draft of a source's drive. */
    interface Drafts {
        DriveDraft of(String node) throws Refusal;
    }

    MergePlanner(NodeRules rules, Action.MergeBitmaps merge) {
        this.rules = rules;
        this.merge = merge;
    }

    /** QEMU's order: it looks at the target last, since it merges into a copy first. */
    void take(DriveDraft target, Drafts drafts) throws Refusal {
        Bitmap into = target.found(merge.target());
        List<From> sources = new ArrayList<>();
        for (Action.MergeBitmaps.Source source : merge.sources()) {
            DriveDraft draft = drafts.of(source.node());
            Bitmap bitmap = draft.found(source.name());
            draft.check(bitmap, BitmapChecks.ALLOW_READ_ONLY);
            checkSizes(target, draft);
            sources.add(new From(draft, bitmap));
        }
        target.check(into, BitmapChecks.ALL);
        add(target, into, sources);
    }

    private static void checkSizes(DriveDraft target, DriveDraft source) throws Refusal {
        long targetBytes = target.state().sizeBytes();
        long sourceBytes = source.state().sizeBytes();
        if (targetBytes != sourceBytes) {
            throw new Refusal("Bitmaps are of different sizes (destination size is " + targetBytes + ", source size is "
                    + sourceBytes + ") and can't be merged");
        }
    }

    private void add(DriveDraft target, Bitmap into, List<From> sources) throws Refusal {
        SortedSet<Long> own = new TreeSet<>();
        List<PlannedImport.Content> foreign = new ArrayList<>();
        for (From source : sources) {
            // The open generation is empty when the merge takes effect, and belongs to those that record.
            SortedSet<Long> sealed = source.draft().sealed(source.bitmap());
            if (!isImported(target, into, source)) {
                own.addAll(sealed);
            } else if (!sealed.isEmpty()) {
                foreign.add(new PlannedImport.OfDrive(
                        source.draft().state().drive(), sealed, source.bitmap().granularity()));
            }
        }
        for (PlannedImport.Content content : foreign) {
            target.importing(into.name(), content);
        }
        List<BitmapName> names = sources.stream().map(s -> s.bitmap().name()).toList();
        target.change(new DriveEvent.BitmapsMerged(into.name(), names, own));
    }

    private boolean isImported(DriveDraft target, Bitmap into, From source) throws Refusal {
        boolean isForeign = source.draft() != target;
        if (isForeign && !rules.takesImports()) {
            throw new Refusal("Bitmap '" + source.bitmap().name() + "' is on node '"
                    + source.draft().state().drive() + "', the target on '" + merge.node()
                    + "': only bitmaps of one node can be merged");
        }
        return isForeign
                || (rules.takesImports()
                        && (into.granularity().isFinerThan(source.bitmap().granularity()) || hasShrunk(source)));
    }

    /** Marks behind the end aren't the source's, though a coarser target's last granule would touch them. */
    private static boolean hasShrunk(From source) {
        DriveState state = source.draft().state();
        return state.generations().values().stream()
                .filter(generation -> source.bitmap().generations().contains(generation.number()))
                .anyMatch(generation -> generation.sizeBytes() > state.sizeBytes());
    }
}
