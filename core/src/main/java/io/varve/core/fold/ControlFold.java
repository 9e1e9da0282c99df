package io.varve.core.fold;

import io.varve.core.bits.Digest;
import io.varve.core.bits.Granularity;
import io.varve.core.drive.Anchor;
import io.varve.core.drive.Arrival;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.BitmapStatus.Idle;
import io.varve.core.drive.Cut;
import io.varve.core.drive.Doubt;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Generation;
import io.varve.core.drive.Recording;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.drive.Trust;
import io.varve.core.drive.UndecidedBackup;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.DriveEvent.DriveAttached;
import io.varve.core.event.DriveEvent.GenerationSealed;
import io.varve.core.id.BitmapName;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.UnaryOperator;

/**
 * The control events' part of the fold: set algebra on generation numbers (design.md section 1). An event that doesn't
 * fit the state, such as one of a bitmap that isn't there, changes nothing: the planner that wrote it refuses such
 * ones.
 */
final class ControlFold {
    private ControlFold() {}

    record Folded(DriveState state, List<Effect> effects) {
        static Folded of(DriveState state, Effect... effects) {
            return new Folded(state, List.of(effects));
        }
    }

    static Folded apply(DriveState state, DriveEvent event) {
        return switch (event) {
            case GenerationSealed sealed -> sealed(state, sealed);
            case DriveEvent.BitmapAdded added -> Folded.of(added(state, added));
            case DriveEvent.BitmapRemoved(BitmapName name) -> Folded.of(removed(state, name));
            case DriveEvent.BitmapCleared(BitmapName name) ->
                Folded.of(changed(voided(state, name), name, b -> b.withGenerations(opened(state, b))));
            case DriveEvent.BitmapEnabled(BitmapName name) ->
                Folded.of(changed(
                        state,
                        name,
                        b -> b.withStatus(new Idle(Recording.ENABLED))
                                .opening(state.open().number())));
            case DriveEvent.BitmapDisabled(BitmapName name) ->
                Folded.of(changed(voided(state, name), name, b -> disabled(state, b)));
            case DriveEvent.BitmapsMerged merged ->
                Folded.of(changed(
                        state, merged.target(), b -> b.withGenerations(union(b.generations(), merged.generations()))));
            case DriveEvent.MarksImported imported -> imported(state, imported);
            case DriveEvent.BitmapMarkedInconsistent(BitmapName name, Doubt doubt) ->
                Folded.of(distrusted(voided(state, name), name, doubt));
            case DriveEvent.SyncPointMarked(SyncPointMark mark) -> marked(state, mark);
            case DriveEvent.CutReduced reduced -> Folded.of(ConclusionFold.reduced(state, reduced));
            case DriveEvent.BackupConcluded concluded -> ConclusionFold.apply(state, concluded);
            case DriveEvent.BitmapReconciled reconciled -> Folded.of(ReconcileFold.apply(state, reconciled));
            case DriveEvent.DriveResized resized -> Folded.of(resized(state, resized));
            case DriveEvent.DriveDetached detached -> Folded.of(detached(state));
            case DriveEvent.DriveHandedOver handedOver -> Folded.of(state);
            case DriveEvent.BitmapArrived(BitmapName name) -> Folded.of(changed(state, name, HandoverFold::arrived));
            case DriveEvent.GenerationsCoalesced coalesced -> coalesced(state, coalesced);
            case DriveAttached attached -> new Folded(arrived(state, attached), lost(state, attached));
            case DriveEvent.Checkpoint(DriveState whole) -> new Folded(whole, outdated(state, whole));
            case DriveEvent.ExtentsDirtied dirtied -> Folded.of(state);
        };
    }

    /**
     * The open generation's marks start anew when the host died: a reader may have heard of a mark whose write never
     * reached the image, and which the agent lost; all that it has is published again behind its attach.
     */
    static List<Effect> lost(DriveState state, DriveAttached attached) {
        return attached.arrival() == Arrival.COARSE && state.open().number() == attached.openGeneration()
                ? List.of(new Effect.Drop(attached.openGeneration()))
                : List.of();
    }

    /** The state after the heir of its journal has come up. */
    static DriveState arrived(DriveState state, DriveAttached attached) {
        if (attached.arrival() == Arrival.INCOMING) {
            return HandoverFold.incoming(state);
        }
        if (attached.arrival() != Arrival.INCONSISTENT) {
            return state;
        }
        String reason = "the agent came up without the marks of its last run";
        DriveState suspect = suspected(state, reason);
        for (BitmapName name : state.bitmaps().keySet()) {
            suspect = distrusted(suspect, name, Doubt.marksLost(reason));
        }
        return suspect;
    }

    /** A backup that it was busy with goes on without it: what collected since stays with the rest. */
    private static DriveState distrusted(DriveState state, BitmapName name, Doubt doubt) {
        return changed(
                state,
                name,
                b -> b.withGenerations(b.allGenerations()).withStatus(new BitmapStatus.Inconsistent(doubt)));
    }

    /** What a marked sync point asks for: nothing for a file, which the agent sees to. */
    static List<Effect> offers(DriveState state, SyncPointMark mark) {
        if (mark.target() != BackupTarget.ARCHIVE) {
            return List.of();
        }
        return List.of(objection(state, mark)
                .<Effect>map(reason -> new Effect.RefusePart(mark, reason))
                .orElseGet(() -> new Effect.OfferPart(mark)));
    }

    /** Why an increment would leave a gap; a full backup never does. */
    // I4
    private static Optional<String> objection(DriveState state, SyncPointMark mark) {
        if (!(mark.kind() instanceof BackupKind.Incremental(Optional<Anchor> parent))) {
            return Optional.empty();
        }
        if (state.trust() instanceof Trust.Suspect(String reason)) {
            return Optional.of(reason);
        }
        Optional<BitmapName> name = mark.cut().map(Cut::bitmap);
        // A full backup with another bitmap ends the suspicion, and gives this one no anchor.
        return name.flatMap(state::bitmap).flatMap(Bitmap::anchor).equals(parent)
                ? Optional.empty()
                : Optional.of(
                        "in the log, its bitmap '" + name.map(BitmapName::value).orElse("")
                                + "' isn't anchored to the increment's parent, since another agent may have "
                                + "written the image: take a full backup, or reconcile the drive");
    }

    /** The state of a drive that a stranger may have written: no bitmap knows what. */
    // I8
    static DriveState suspected(DriveState state, String reason) {
        return unanchored(state.withTrust(new Trust.Suspect(reason)));
    }

    private static DriveState unanchored(DriveState state) {
        DriveState unanchored = state;
        for (BitmapName name : state.bitmaps().keySet()) {
            unanchored = voided(unanchored, name);
        }
        return unanchored;
    }

    private static Folded sealed(DriveState state, GenerationSealed sealed) {
        if (state.open().number() != sealed.generation()) {
            return Folded.of(state);
        }
        Generation closed = closed(state.open(), sealed.dirtyBytes(), sealed.digest());
        return Folded.of(
                followed(state, closed, sealed.openedGranularity(), UnaryOperator.identity()),
                new Effect.VerifySeal(closed));
    }

    /** As a seal, but only {@code into} keeps the generation. */
    private static Folded imported(DriveState state, DriveEvent.MarksImported imported) {
        long number = state.open().number();
        if (number != imported.generation()) {
            return Folded.of(state);
        }
        Generation closed = closed(state.open(), imported.dirtyBytes(), imported.digest());
        DriveState after = followed(
                state,
                closed,
                imported.openedGranularity(),
                b -> b.name().equals(imported.into()) ? b.taking(number) : b.leaving(number));
        return Folded.of(after, new Effect.VerifySeal(closed));
    }

    private static Generation closed(Generation open, long dirtyBytes, Digest digest) {
        return new Generation(
                open.number(),
                open.granularity(),
                open.sizeBytes(),
                Optional.of(new Generation.Seal(dirtyBytes, digest)));
    }

    /** The state after {@code closed} was sealed and the next generation has opened, for what became of each bitmap. */
    private static DriveState followed(
            DriveState state, Generation closed, Granularity openedGranularity, UnaryOperator<Bitmap> change) {
        long next = closed.number() + 1;
        SortedMap<Long, Generation> generations = new TreeMap<>(state.generations());
        generations.put(closed.number(), closed);
        generations.put(next, new Generation(next, openedGranularity, state.sizeBytes(), Optional.empty()));
        SortedMap<BitmapName, Bitmap> bitmaps = new TreeMap<>(state.bitmaps());
        bitmaps.replaceAll((name, bitmap) -> change.apply(bitmap).opening(next));
        return state.withGenerations(generations).withBitmaps(bitmaps);
    }

    private static DriveState added(DriveState state, DriveEvent.BitmapAdded added) {
        Bitmap bitmap = new Bitmap(
                added.bitmap(),
                added.granularity(),
                added.persistent(),
                new Idle(added.recording()),
                Optional.empty(),
                new TreeSet<>(),
                sequence(state));
        return state.with(bitmap.opening(state.open().number()));
    }

    /** The number of the event that is being applied: later ones are greater, in every fold. */
    private static long sequence(DriveState state) {
        return state.control() + 1;
    }

    static DriveState removed(DriveState state, BitmapName name) {
        SortedMap<BitmapName, Bitmap> bitmaps = new TreeMap<>(state.bitmaps());
        bitmaps.remove(name);
        return voided(state, name).withBitmaps(bitmaps);
    }

    private static SortedSet<Long> opened(DriveState state, Bitmap bitmap) {
        return bitmap.isRecording() ? new TreeSet<>(List.of(state.open().number())) : new TreeSet<>();
    }

    private static Bitmap disabled(DriveState state, Bitmap bitmap) {
        TreeSet<Long> sealed = new TreeSet<>(bitmap.generations());
        sealed.remove(state.open().number());
        return bitmap.withStatus(new Idle(Recording.DISABLED)).withGenerations(sealed);
    }

    private static Folded marked(DriveState state, SyncPointMark mark) {
        DriveState after = state;
        if (mark.cut().isPresent()) {
            BitmapName name = mark.cut().get().bitmap();
            after = changed(
                    state,
                    name,
                    b -> b.withStatus(
                                    new BitmapStatus.Busy(mark.key(), opened(state, b), recording(b), sequence(state)))
                            .withGenerations(mark.cut().get().generations()));
        }
        SortedMap<BackupKey, UndecidedBackup> undecided = new TreeMap<>(state.undecided());
        if (mark.target() == BackupTarget.ARCHIVE && mark.kind() instanceof BackupKind.Full) {
            // A new chain begins: an older backup that is found to be committed later must not anchor to the old one.
            undecided.replaceAll((key, older) -> older.voiding(mark.anchors()));
        }
        undecided.put(mark.key(), new UndecidedBackup(mark, UndecidedBackup.Phase.RUNNING, mark.anchors()));
        after = after.withUndecided(undecided);
        return new Folded(after, offers(after, mark));
    }

    private static Recording recording(Bitmap bitmap) {
        return bitmap.isRecording() ? Recording.ENABLED : Recording.DISABLED;
    }

    /** An increment goes on after a resize only if it's known to have what the resize changed. */
    // I1
    private static DriveState resized(DriveState state, DriveEvent.DriveResized resized) {
        long sizeBytes = resized.sizeBytes();
        boolean isCovered = switch (resized.newArea()) {
            case ZEROES -> sizeBytes >= state.sizeBytes();
            case MARKED -> true;
            case UNKNOWN -> sizeBytes == state.sizeBytes();
        };
        SortedMap<Long, Generation> generations = new TreeMap<>(state.generations());
        Generation open = state.open();
        generations.put(open.number(), new Generation(open.number(), open.granularity(), sizeBytes, Optional.empty()));
        DriveState after = state.withGenerations(generations).withSizeBytes(sizeBytes);
        return isCovered ? after : unanchored(after);
    }

    private static DriveState detached(DriveState state) {
        DriveState kept = state;
        for (Bitmap bitmap : state.bitmaps().values()) {
            kept = bitmap.persistent() ? kept : removed(kept, bitmap.name());
        }
        return reordered(kept);
    }

    /**
     * The order in which QEMU finds bitmaps again: a file has those that are new to it behind the others, the newest
     * first, and the last in the file is the newest then.
     */
    private static DriveState reordered(DriveState state) {
        List<Bitmap> order = new ArrayList<>();
        for (Bitmap bitmap : state.newestFirst()) {
            // What was there at an earlier detach has no positive number.
            order.add(bitmap.sequence() > 0 ? 0 : order.size(), bitmap);
        }
        DriveState reordered = state;
        for (int index = 0; index < order.size(); index++) {
            reordered = reordered.with(order.get(index).withSequence(-index));
        }
        return reordered;
    }

    private static Folded coalesced(DriveState state, DriveEvent.GenerationsCoalesced coalesced) {
        Generation last = state.generations().get(coalesced.into());
        if (last == null
                || last.seal().isEmpty()
                || coalesced.merged().contains(last.number())
                || coalesced.merged().contains(state.open().number())) {
            return Folded.of(state);
        }
        Granularity finest = coalesced.merged().stream()
                .flatMap(number -> Optional.ofNullable(state.generations().get(number)).stream())
                .map(Generation::granularity)
                .reduce(last.granularity(), Granularity::finer);
        Generation into = new Generation(
                last.number(),
                finest,
                last.sizeBytes(),
                Optional.of(new Generation.Seal(coalesced.dirtyBytes(), coalesced.digest())));
        TreeMap<Long, Generation> generations = new TreeMap<>(state.generations());
        coalesced.merged().forEach(generations::remove);
        generations.put(last.number(), into);
        SortedMap<BitmapName, Bitmap> bitmaps = new TreeMap<>(state.bitmaps());
        bitmaps.replaceAll((name, bitmap) -> bitmap.coalescing(coalesced.merged(), into.number()));
        return Folded.of(
                state.withGenerations(generations).withBitmaps(bitmaps),
                new Effect.Coalesce(coalesced.merged(), into),
                new Effect.VerifySeal(into));
    }

    /** Drops what isn't retained any more, or was merged meanwhile: the agent publishes what is retained again. */
    static List<Effect> outdated(DriveState known, DriveState whole) {
        List<Effect> drops = new ArrayList<>();
        for (Generation generation : known.generations().values()) {
            Generation now = whole.generations().get(generation.number());
            if (now == null
                    || !now.granularity().equals(generation.granularity())
                    || now.sizeBytes() != generation.sizeBytes()) {
                drops.add(new Effect.Drop(generation.number()));
            }
        }
        return drops;
    }

    /** The state without {@code name}'s anchor, now or by a commit yet to come. */
    static DriveState voided(DriveState state, BitmapName name) {
        SortedMap<BackupKey, UndecidedBackup> undecided = new TreeMap<>(state.undecided());
        undecided.replaceAll((key, backup) -> backup.voiding(name));
        return changed(state.withUndecided(undecided), name, b -> b.withAnchor(Optional.empty()));
    }

    static DriveState changed(DriveState state, BitmapName name, UnaryOperator<Bitmap> change) {
        return state.bitmap(name).map(b -> state.with(change.apply(b))).orElse(state);
    }

    private static SortedSet<Long> union(SortedSet<Long> left, SortedSet<Long> right) {
        TreeSet<Long> union = new TreeSet<>(left);
        union.addAll(right);
        return union;
    }
}
