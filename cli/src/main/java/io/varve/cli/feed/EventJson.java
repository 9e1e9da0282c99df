package io.varve.cli.feed;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.core.bits.Extent;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.event.DriveEvent;
import java.util.Collection;
import java.util.List;

/** Events as JSON: QMP's manner of names, sizes and offsets in bytes. */
final class EventJson {

    private EventJson() {}

    /** One entry; the fields of its event stand beside the common ones. */
    static ObjectNode of(FeedEntry entry) {
        var record = entry.record();
        var json = JsonNodeFactory.instance.objectNode();
        json.put("time", entry.time().toString());
        json.put("partition", entry.partition());
        json.put("offset", entry.offset());
        json.put("drive", record.drive().value());
        json.put("incarnation", record.incarnation().toString());
        if (record.isControl()) {
            json.put("control", record.control());
        }
        json.put("event", record.event().getClass().getSimpleName());
        EventText.generation(record.event()).ifPresent(generation -> json.put("generation", generation));
        addTo(json, record.event());
        return json;
    }

    private static void addTo(ObjectNode json, DriveEvent event) {
        switch (event) {
            case DriveEvent.DriveAttached e -> attached(json, e);
            case DriveEvent.ExtentsDirtied e -> dirtied(json, e);
            case DriveEvent.GenerationSealed e ->
                json.put("dirty-bytes", e.dirtyBytes()).put("digest", e.digest().hex());
            case DriveEvent.BitmapAdded e ->
                json.put("bitmap", e.bitmap().value())
                        .put("granularity", e.granularity().bytes())
                        .put("persistent", e.persistent())
                        .put("recording", EventText.words(e.recording()));
            case DriveEvent.BitmapRemoved e -> json.put("bitmap", e.bitmap().value());
            case DriveEvent.BitmapCleared e -> json.put("bitmap", e.bitmap().value());
            case DriveEvent.BitmapEnabled e -> json.put("bitmap", e.bitmap().value());
            case DriveEvent.BitmapDisabled e -> json.put("bitmap", e.bitmap().value());
            case DriveEvent.BitmapsMerged e -> {
                json.put("bitmap", e.target().value());
                strings(json, "sources", e.sources());
                numbers(json, "generations", e.generations());
            }
            case DriveEvent.MarksImported e ->
                json.put("bitmap", e.into().value())
                        .put("dirty-bytes", e.dirtyBytes())
                        .put("digest", e.digest().hex());
            case DriveEvent.CutReduced e -> {
                json.put("sync-point", e.backup().syncPoint().value())
                        .put("ordinal", e.backup().ordinal());
                numbers(json, "generations", e.generations());
            }
            case DriveEvent.BitmapMarkedInconsistent e ->
                json.put("bitmap", e.bitmap().value())
                        .put("reason", e.doubt().reason())
                        .put("cause", e.doubt().cause().label());
            case DriveEvent.SyncPointMarked e -> marked(json, e.mark());
            case DriveEvent.BackupConcluded e ->
                json.put("sync-point", e.backup().syncPoint().value())
                        .put("ordinal", e.backup().ordinal())
                        .put("conclusion", EventText.conclusion(e.conclusion()));
            case DriveEvent.BitmapReconciled e -> {
                json.put("bitmap", e.bitmap().value())
                        .put("point", e.point().syncPoint().value());
                e.anchor()
                        .ifPresent(anchor ->
                                json.put("sync-point", anchor.syncPoint().value()));
            }
            case DriveEvent.DriveResized e ->
                json.put("size-bytes", e.sizeBytes()).put("new-area", EventText.words(e.newArea()));
            case DriveEvent.DriveDetached e -> json.put("image", e.image().path());
            case DriveEvent.DriveHandedOver e ->
                json.put("image", e.image().path()).put("to", e.to());
            case DriveEvent.BitmapArrived e -> json.put("bitmap", e.bitmap().value());
            case DriveEvent.GenerationsCoalesced e -> {
                numbers(json, "merged", e.merged());
                json.put("dirty-bytes", e.dirtyBytes()).put("digest", e.digest().hex());
            }
            case DriveEvent.Checkpoint e -> {
                json.put("size-bytes", e.state().sizeBytes());
                strings(json, "bitmaps", e.state().bitmaps().keySet());
                numbers(json, "generations", e.state().generations().keySet());
            }
        }
    }

    private static void attached(ObjectNode json, DriveEvent.DriveAttached event) {
        json.put("journal", event.journal().toString())
                .put("size-bytes", event.sizeBytes())
                .put("granularity", event.granularity().bytes())
                .put("image", event.image().path())
                .put("arrival", EventText.words(event.arrival()));
        event.inherited().ifPresent(inherited -> json.put("inherited", inherited.toString()));
    }

    private static void dirtied(ObjectNode json, DriveEvent.ExtentsDirtied event) {
        json.put("sequence", event.sequence())
                .put(
                        "dirty-bytes",
                        event.extents().stream().mapToLong(Extent::lengthBytes).sum())
                .put("writes", event.writes())
                .put("written-bytes", event.writtenBytes());
        var extents = json.putArray("extents");
        for (var extent : event.extents()) {
            extents.addArray().add(extent.offsetBytes()).add(extent.lengthBytes());
        }
    }

    private static void marked(ObjectNode json, SyncPointMark mark) {
        json.put("sync-point", mark.key().syncPoint().value())
                .put("ordinal", mark.key().ordinal())
                .put("completion", EventText.words(mark.completion()))
                .put("target", EventText.words(mark.target()))
                .put("kind", mark.kind() instanceof BackupKind.Full ? "full" : "incremental")
                .put("size-bytes", mark.sizeBytes())
                .put("export", mark.export().name());
        mark.kind().fullCause().ifPresent(cause -> json.put("full-cause", cause.label()));
        strings(json, "participants", mark.participants());
        mark.cut().ifPresent(cut -> {
            json.put("bitmap", cut.bitmap().value())
                    .put("dirty-bytes", cut.dirtyBytes())
                    .put("digest", cut.digest().hex());
            numbers(json, "generations", cut.generations());
        });
    }

    private static void strings(ObjectNode json, String name, Collection<?> values) {
        var array = json.putArray(name);
        values.forEach(value -> array.add(value.toString()));
    }

    private static void numbers(ObjectNode json, String name, Collection<Long> values) {
        var array = json.putArray(name);
        List.copyOf(values).forEach(array::add);
    }
}
