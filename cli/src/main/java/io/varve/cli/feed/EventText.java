package io.varve.cli.feed;

import io.varve.core.bits.Extent;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.Cut;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.event.DriveEvent;
import java.util.Locale;
import java.util.OptionalLong;

/** Events in words. */
final class EventText {

    private static final long KIBIBYTE = 1 << 10;
    private static final long MEBIBYTE = 1 << 20;

    private EventText() {}

    /** The generation that the event is about: for a cut the last one in it, for an attach the open one. */
    static OptionalLong generation(DriveEvent event) {
        return switch (event) {
            case DriveEvent.DriveAttached e -> OptionalLong.of(e.openGeneration());
            case DriveEvent.ExtentsDirtied e -> OptionalLong.of(e.generation());
            case DriveEvent.GenerationSealed e -> OptionalLong.of(e.generation());
            case DriveEvent.GenerationsCoalesced e -> OptionalLong.of(e.into());
            case DriveEvent.MarksImported e -> OptionalLong.of(e.generation());
            case DriveEvent.SyncPointMarked e -> lastOf(e.mark());
            case DriveEvent.Checkpoint e -> OptionalLong.of(e.state().open().number());
            case DriveEvent.BitmapAdded _,
                    DriveEvent.BitmapRemoved _,
                    DriveEvent.BitmapCleared _,
                    DriveEvent.BitmapEnabled _,
                    DriveEvent.BitmapDisabled _,
                    DriveEvent.BitmapsMerged _,
                    DriveEvent.BitmapMarkedInconsistent _,
                    DriveEvent.CutReduced _,
                    DriveEvent.BackupConcluded _,
                    DriveEvent.BitmapReconciled _,
                    DriveEvent.DriveResized _,
                    DriveEvent.DriveDetached _,
                    DriveEvent.DriveHandedOver _,
                    DriveEvent.BitmapArrived _ -> OptionalLong.empty();
        };
    }

    private static OptionalLong lastOf(SyncPointMark mark) {
        return mark.cut()
                .filter(cut -> !cut.generations().isEmpty())
                .map(cut -> OptionalLong.of(cut.generations().last()))
                .orElse(OptionalLong.empty());
    }

    /** What the event's name doesn't say. */
    static String details(DriveEvent event) {
        return switch (event) {
            case DriveEvent.DriveAttached e -> size(e.sizeBytes()) + ", " + words(e.arrival());
            case DriveEvent.ExtentsDirtied e ->
                e.extents().size() + " extents, "
                        + size(e.extents().stream()
                                .mapToLong(Extent::lengthBytes)
                                .sum()) + " by " + e.writes()
                        + " writes of " + size(e.writtenBytes());
            case DriveEvent.GenerationSealed e -> size(e.dirtyBytes()) + " dirty";
            case DriveEvent.BitmapAdded e ->
                "bitmap " + e.bitmap() + ", " + size(e.granularity().bytes());
            case DriveEvent.BitmapRemoved e -> "bitmap " + e.bitmap();
            case DriveEvent.BitmapCleared e -> "bitmap " + e.bitmap();
            case DriveEvent.BitmapEnabled e -> "bitmap " + e.bitmap();
            case DriveEvent.BitmapDisabled e -> "bitmap " + e.bitmap();
            case DriveEvent.BitmapsMerged e -> "bitmap " + e.target() + " takes in " + e.sources();
            case DriveEvent.MarksImported e ->
                "bitmap " + e.into() + " takes in " + size(e.dirtyBytes()) + " from elsewhere";
            case DriveEvent.CutReduced e ->
                "sync point " + e.backup().syncPoint() + " keeps " + e.generations() + ", which weren't copied";
            case DriveEvent.BitmapMarkedInconsistent e ->
                "bitmap " + e.bitmap() + ": " + e.doubt().reason();
            case DriveEvent.SyncPointMarked e -> mark(e.mark());
            case DriveEvent.BackupConcluded e ->
                "sync point " + e.backup().syncPoint() + " " + conclusion(e.conclusion());
            case DriveEvent.BitmapReconciled e ->
                "bitmap " + e.bitmap()
                        + e.anchor()
                                .map(anchor -> " since sync point " + anchor.syncPoint())
                                .orElse(" since another image");
            case DriveEvent.DriveResized e -> size(e.sizeBytes());
            case DriveEvent.DriveDetached _ -> "in order";
            case DriveEvent.DriveHandedOver e -> "to " + e.to();
            case DriveEvent.BitmapArrived e -> "bitmap " + e.bitmap();
            case DriveEvent.GenerationsCoalesced e -> e.merged() + ", " + size(e.dirtyBytes()) + " dirty";
            case DriveEvent.Checkpoint e ->
                e.state().bitmaps().size() + " bitmaps, "
                        + e.state().generations().size() + " generations";
        };
    }

    private static String mark(SyncPointMark mark) {
        var kind = switch (mark.kind()) {
            case BackupKind.Full(var cause) ->
                "full" + cause.map(why -> " (" + why.label() + ")").orElse("");
            case BackupKind.Incremental _ -> "incremental";
        };
        var dirty = mark.cut()
                .map(Cut::dirtyBytes)
                .map(bytes -> ", " + size(bytes) + " dirty")
                .orElse("");
        return "sync point " + mark.key().syncPoint() + ", " + kind + dirty + ", " + words(mark.completion()) + " with "
                + mark.participants();
    }

    /** A conclusion in one word, and its reason. */
    static String conclusion(Conclusion conclusion) {
        return switch (conclusion) {
            case Conclusion.Committed _ -> "committed";
            case Conclusion.Written _ -> "written";
            case Conclusion.Aborted(var reason) -> "aborted: " + reason;
            case Conclusion.Failed(var reason) -> "failed: " + reason;
            case Conclusion.Cancelled _ -> "cancelled";
        };
    }

    static String words(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private static String size(long bytes) {
        if (bytes >= MEBIBYTE && bytes % MEBIBYTE == 0) {
            return bytes / MEBIBYTE + " MiB";
        }
        return bytes >= KIBIBYTE && bytes % KIBIBYTE == 0 ? bytes / KIBIBYTE + " KiB" : bytes + " B";
    }
}
