package io.varve.core.commit;

import io.varve.core.commit.UnitState.Copying;
import io.varve.core.commit.UnitState.Decided;
import io.varve.core.commit.UnitState.Deciding;
import io.varve.core.commit.UnitState.Gathering;
import io.varve.core.drive.Completion;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.id.DriveId;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The way of a unit to its one decision. It never decides: it asks a sink to write the decision object, and obeys what
 * that says (I14). Inputs may come again and in any order.
 */
public final class CommitProtocol {
    /** How many attempts a copy has, and how long a missing part is waited for, before an abort is asked for. */
    public static final int ATTEMPTS_MAX = 8;

    private CommitProtocol() {}

    /**
     * What an input made of a unit.
     *
     * @param state empty when the input says nothing of a unit that isn't known
     */
    public record Transition(Optional<UnitState> state, List<UnitEffect> effects) {
        public Transition {
            effects = List.copyOf(effects);
        }

        static Transition to(UnitState state, List<UnitEffect> effects) {
            return new Transition(Optional.of(state), effects);
        }

        static Transition stay(UnitState state) {
            return new Transition(Optional.of(state), List.of());
        }
    }

    public static Transition on(Optional<UnitState> before, UnitInput input) {
        return switch (input) {
            case UnitInput.PartOffered(Part part) -> offered(before, part);
            case UnitInput.PartRefused(DriveId drive, SyncPointMark mark, String reason) ->
                abort(before, UnitId.of(drive, mark), participants(drive, mark), drive + ": " + reason);
            case UnitInput.Heard(UnitId unit, Outcome outcome) -> heard(before, unit, outcome);
            case UnitInput.Silence() ->
                before.map(CommitProtocol::silence).orElse(new Transition(Optional.empty(), List.of()));
        };
    }

    private static SortedSet<DriveId> participants(DriveId drive, SyncPointMark mark) {
        return mark.completion() == Completion.GROUPED ? mark.participants() : new TreeSet<>(List.of(drive));
    }

    private static Transition offered(Optional<UnitState> before, Part part) {
        UnitState state = before.orElseGet(
                () -> new Gathering(part.unit(), participants(part.drive(), part.mark()), new TreeMap<>(), 0));
        if (state instanceof Decided decided) {
            // It's offered again since its agent doesn't know: the first word may be lost.
            return Transition.to(decided, tell(decided, new TreeSet<>(List.of(part.drive()))));
        }
        if (!(state instanceof Gathering gathering)) {
            return Transition.stay(state);
        }
        SortedMap<DriveId, Part> parts = new TreeMap<>(gathering.parts());
        parts.put(part.drive(), part);
        if (!parts.keySet().containsAll(gathering.participants())) {
            return Transition.to(
                    new Gathering(gathering.unit(), gathering.participants(), parts, gathering.silences()), List.of());
        }
        SortedMap<DriveId, CopyState> copies = new TreeMap<>();
        List<UnitEffect> effects = new ArrayList<>();
        parts.forEach((drive, offered) -> send(copies, effects, new CopyState.Sent(offered, 1)));
        return Transition.to(new Copying(gathering.unit(), copies), effects);
    }

    private static void send(SortedMap<DriveId, CopyState> copies, List<UnitEffect> effects, CopyState.Sent sent) {
        copies.put(sent.part().drive(), sent);
        effects.add(new UnitEffect.Send(new Task.Copy(sent.part(), sent.attempt())));
    }

    private static Transition heard(Optional<UnitState> before, UnitId unit, Outcome outcome) {
        return switch (outcome) {
            case Outcome.Decided(UnitId decided, DriveId drive, Verdict verdict) ->
                Transition.to(new Decided(unit, verdict), List.of());
            case Outcome.AbortRequested(UnitId requested, DriveId drive, String reason) ->
                abort(before, unit, new TreeSet<>(List.of(drive)), drive + ": " + reason);
            case Outcome.Copied copied -> copied(before, copied);
            case Outcome.CopyFailed failed -> failed(before, failed);
            case Outcome.Progress progress -> new Transition(before, List.of());
            case Outcome.RepublicationRequested requested -> new Transition(before, List.of());
        };
    }

    private static Transition copied(Optional<UnitState> before, Outcome.Copied copied) {
        if (!(before.orElse(null) instanceof Copying copying)
                || !(copying.copies().get(copied.drive()) instanceof CopyState.Sent)) {
            return new Transition(before, List.of());
        }
        SortedMap<DriveId, CopyState> copies = new TreeMap<>(copying.copies());
        copies.put(copied.drive(), new CopyState.InArchive(copied.manifest()));
        SortedMap<DriveId, ManifestRef> manifests = new TreeMap<>();
        copies.forEach((drive, copy) -> {
            if (copy instanceof CopyState.InArchive(ManifestRef manifest)) {
                manifests.put(drive, manifest);
            }
        });
        return manifests.size() < copies.size()
                ? Transition.to(new Copying(copying.unit(), copies), List.of())
                : decide(copying.unit(), new Verdict.Committed(manifests), new TreeSet<>(copies.keySet()));
    }

    private static Transition failed(Optional<UnitState> before, Outcome.CopyFailed failed) {
        if (!(before.orElse(null) instanceof Copying copying)
                || !(copying.copies().get(failed.drive()) instanceof CopyState.Sent sent)
                || failed.attempt() < sent.attempt()) {
            return new Transition(before, List.of());
        }
        if (failed.retry() == Outcome.Retry.POINTLESS || sent.attempt() >= ATTEMPTS_MAX) {
            return abort(before, copying.unit(), new TreeSet<>(), failed.drive() + ": " + failed.reason());
        }
        SortedMap<DriveId, CopyState> copies = new TreeMap<>(copying.copies());
        List<UnitEffect> effects = new ArrayList<>();
        send(copies, effects, new CopyState.Sent(sent.part(), sent.attempt() + 1));
        return Transition.to(new Copying(copying.unit(), copies), effects);
    }

    private static Transition silence(UnitState state) {
        return switch (state) {
            case Gathering gathering -> stillGathering(gathering);
            case Copying copying -> sendAgain(copying);
            case Deciding(UnitId unit, Verdict proposed, SortedSet<DriveId> drives) -> decide(unit, proposed, drives);
            case Decided decided -> Transition.stay(decided);
        };
    }

    private static Transition stillGathering(Gathering gathering) {
        if (gathering.silences() < ATTEMPTS_MAX) {
            return Transition.stay(new Gathering(
                    gathering.unit(), gathering.participants(), gathering.parts(), gathering.silences() + 1));
        }
        SortedSet<DriveId> absent = new TreeSet<>(gathering.participants());
        absent.removeAll(gathering.parts().keySet());
        return decide(gathering.unit(), new Verdict.Aborted("no part came of " + absent), gathering.participants());
    }

    /**
     * Sends again what nothing was heard of. That isn't a failure: all sinks may be busy, or away. It's the same
     * attempt, since attempts count failures, and doing one twice is harmless.
     */
    private static Transition sendAgain(Copying copying) {
        List<UnitEffect> effects = new ArrayList<>();
        for (CopyState copy : copying.copies().values()) {
            if (copy instanceof CopyState.Sent(Part part, int attempt)) {
                effects.add(new UnitEffect.Send(new Task.Copy(part, attempt)));
            }
        }
        return Transition.to(copying, effects);
    }

    /** Asks for an abort, unless a decision is known or already asked for: then says, or asks for, that. */
    private static Transition abort(Optional<UnitState> before, UnitId unit, SortedSet<DriveId> askers, String reason) {
        SortedSet<DriveId> drives = new TreeSet<>(askers);
        if (before.isPresent()) {
            switch (before.get()) {
                case Decided decided -> {
                    return Transition.to(decided, tell(decided, askers));
                }
                case Deciding deciding -> {
                    drives.addAll(deciding.drives());
                    return decide(unit, deciding.proposed(), drives);
                }
                case Gathering gathering -> drives.addAll(gathering.participants());
                case Copying copying -> drives.addAll(copying.copies().keySet());
            }
        }
        return decide(unit, new Verdict.Aborted(reason), drives);
    }

    private static List<UnitEffect> tell(Decided decided, SortedSet<DriveId> askers) {
        return askers.stream()
                .<UnitEffect>map(
                        drive -> new UnitEffect.Tell(new Outcome.Decided(decided.unit(), drive, decided.verdict())))
                .toList();
    }

    private static Transition decide(UnitId unit, Verdict proposed, SortedSet<DriveId> drives) {
        return Transition.to(
                new Deciding(unit, proposed, drives),
                List.of(new UnitEffect.Send(new Task.Decide(unit, proposed, drives))));
    }
}
