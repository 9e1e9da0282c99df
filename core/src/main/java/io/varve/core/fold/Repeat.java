package io.varve.core.fold;

import io.varve.core.drive.DriveState;
import io.varve.core.drive.Generation;
import io.varve.core.drive.UndecidedBackup;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.DriveEvent.GenerationSealed;
import io.varve.core.event.DriveEvent.SyncPointMarked;
import java.util.List;

/** A control event that was applied already changes no state, but its outputs may have been lost with a reader. */
final class Repeat {
    private Repeat() {}

    static List<Effect> effects(DriveState state, DriveEvent event) {
        return switch (event) {
            case GenerationSealed sealed -> verify(state, sealed.generation());
            case DriveEvent.MarksImported imported -> verify(state, imported.generation());
            case SyncPointMarked(var mark) ->
                state.undecided().containsKey(mark.key()) ? ControlFold.offers(state, mark) : List.of();
            case DriveEvent.ExtentsDirtied dirtied -> List.of();
            case DriveEvent.DriveAttached attached -> ControlFold.lost(state, attached);
            case DriveEvent.BitmapAdded added -> List.of();
            case DriveEvent.BitmapRemoved removed -> List.of();
            case DriveEvent.BitmapCleared cleared -> List.of();
            case DriveEvent.BitmapEnabled enabled -> List.of();
            case DriveEvent.BitmapDisabled disabled -> List.of();
            case DriveEvent.BitmapsMerged merged -> List.of();
            case DriveEvent.BitmapMarkedInconsistent inconsistent -> List.of();
            case DriveEvent.CutReduced reduced -> List.of();
            case DriveEvent.BackupConcluded(var key, var conclusion) -> {
                UndecidedBackup undecided = state.undecided().get(key);
                yield undecided == null ? List.of() : List.of(new Effect.Concluded(undecided.mark(), conclusion));
            }
            case DriveEvent.BitmapReconciled reconciled -> List.of();
            case DriveEvent.DriveResized resized -> List.of();
            case DriveEvent.DriveDetached detached -> List.of();
            case DriveEvent.DriveHandedOver handedOver -> List.of();
            case DriveEvent.BitmapArrived arrived -> List.of();
            case DriveEvent.GenerationsCoalesced coalesced -> merge(state, coalesced);
            case DriveEvent.Checkpoint checkpoint -> List.of();
        };
    }

    private static List<Effect> merge(DriveState state, DriveEvent.GenerationsCoalesced coalesced) {
        Generation into = state.generations().get(coalesced.into());
        return into == null || into.seal().isEmpty()
                ? List.of()
                : List.of(new Effect.Coalesce(coalesced.merged(), into), new Effect.VerifySeal(into));
    }

    private static List<Effect> verify(DriveState state, long number) {
        Generation generation = state.generations().get(number);
        return generation == null || generation.seal().isEmpty()
                ? List.of()
                : List.of(new Effect.VerifySeal(generation));
    }
}
