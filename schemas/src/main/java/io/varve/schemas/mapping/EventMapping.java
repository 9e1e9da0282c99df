package io.varve.schemas.mapping;

import io.varve.core.bits.Granularity;
import io.varve.core.drive.Arrival;
import io.varve.core.drive.NewArea;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import io.varve.core.id.IncarnationId;
import io.varve.core.id.JournalId;
import io.varve.schemas.avro.BackupConcluded;
import io.varve.schemas.avro.BitmapAdded;
import io.varve.schemas.avro.BitmapArrived;
import io.varve.schemas.avro.BitmapCleared;
import io.varve.schemas.avro.BitmapDisabled;
import io.varve.schemas.avro.BitmapEnabled;
import io.varve.schemas.avro.BitmapMarkedInconsistent;
import io.varve.schemas.avro.BitmapReconciled;
import io.varve.schemas.avro.BitmapRemoved;
import io.varve.schemas.avro.BitmapsMerged;
import io.varve.schemas.avro.Checkpoint;
import io.varve.schemas.avro.CutReduced;
import io.varve.schemas.avro.DriveAttached;
import io.varve.schemas.avro.DriveDetached;
import io.varve.schemas.avro.DriveHandedOver;
import io.varve.schemas.avro.DriveResized;
import io.varve.schemas.avro.ExtentsDirtied;
import io.varve.schemas.avro.GenerationSealed;
import io.varve.schemas.avro.GenerationsCoalesced;
import io.varve.schemas.avro.MarksImported;
import io.varve.schemas.avro.SyncPointMarked;
import java.util.ArrayList;
import java.util.TreeSet;

/** The records of the log. */
public final class EventMapping {
    private EventMapping() {}

    public static io.varve.schemas.avro.LogRecord toAvro(LogRecord record) {
        return new io.varve.schemas.avro.LogRecord(
                record.drive().value(),
                Scalars.toAvro(record.incarnation().value()),
                record.control(),
                toAvro(record.event()));
    }

    public static LogRecord toCore(io.varve.schemas.avro.LogRecord record) {
        return new LogRecord(
                new DriveId(record.getDrive()),
                new IncarnationId(Scalars.toCore(record.getIncarnation())),
                record.getControl(),
                event(record.getEvent()));
    }

    private static Object toAvro(DriveEvent event) {
        return switch (event) {
            case DriveEvent.DriveAttached attached -> attached(attached);
            case DriveEvent.ExtentsDirtied dirtied -> dirtied(dirtied);
            case DriveEvent.GenerationSealed(var generation, var dirtyBytes, var digest, var opened) ->
                new GenerationSealed(generation, dirtyBytes, Scalars.toAvro(digest), opened.bytes());
            case DriveEvent.BitmapAdded(var bitmap, var granularity, var persistent, var recording) ->
                new BitmapAdded(bitmap.value(), granularity.bytes(), persistent, DriveMapping.toAvro(recording));
            case DriveEvent.BitmapRemoved(BitmapName bitmap) -> new BitmapRemoved(bitmap.value());
            case DriveEvent.BitmapCleared(BitmapName bitmap) -> new BitmapCleared(bitmap.value());
            case DriveEvent.BitmapEnabled(BitmapName bitmap) -> new BitmapEnabled(bitmap.value());
            case DriveEvent.BitmapDisabled(BitmapName bitmap) -> new BitmapDisabled(bitmap.value());
            case DriveEvent.BitmapsMerged(var target, var sources, var generations) ->
                new BitmapsMerged(target.value(), Scalars.bitmapNames(sources), new ArrayList<>(generations));
            case DriveEvent.MarksImported(var generation, var into, var dirtyBytes, var digest, var opened) ->
                new MarksImported(generation, into.value(), dirtyBytes, Scalars.toAvro(digest), opened.bytes());
            case DriveEvent.CutReduced(var backup, var generations) ->
                new CutReduced(MarkMapping.toAvro(backup), new ArrayList<>(generations));
            case DriveEvent.BitmapMarkedInconsistent(var bitmap, var doubt) ->
                new BitmapMarkedInconsistent(
                        bitmap.value(), doubt.reason(), doubt.cause().label());
            case DriveEvent.SyncPointMarked(var mark) -> new SyncPointMarked(MarkMapping.toAvro(mark));
            case DriveEvent.BackupConcluded concluded -> ConclusionMapping.toAvro(concluded);
            case DriveEvent.BitmapReconciled(var point, var bitmap, var anchor) ->
                new BitmapReconciled(
                        MarkMapping.toAvro(point),
                        bitmap.value(),
                        anchor.map(MarkMapping::toAvro).orElse(null));
            case DriveEvent.DriveResized(var sizeBytes, var newArea) ->
                new DriveResized(sizeBytes, io.varve.schemas.avro.NewArea.valueOf(newArea.name()));
            case DriveEvent.DriveDetached(var image) -> new DriveDetached(DriveMapping.toAvro(image));
            case DriveEvent.DriveHandedOver(var image, var to) -> new DriveHandedOver(DriveMapping.toAvro(image), to);
            case DriveEvent.BitmapArrived(BitmapName bitmap) -> new BitmapArrived(bitmap.value());
            case DriveEvent.GenerationsCoalesced(var merged, var into, var dirtyBytes, var digest) ->
                new GenerationsCoalesced(new ArrayList<>(merged), into, dirtyBytes, Scalars.toAvro(digest));
            case DriveEvent.Checkpoint(var state) -> new Checkpoint(DriveMapping.toAvro(state));
        };
    }

    private static DriveEvent event(Object event) {
        return switch (event) {
            case DriveAttached attached -> attached(attached);
            case ExtentsDirtied dirtied -> dirtied(dirtied);
            case GenerationSealed sealed ->
                new DriveEvent.GenerationSealed(
                        sealed.getGeneration(),
                        sealed.getDirtyBytes(),
                        Scalars.toCore(sealed.getDigest()),
                        new Granularity(sealed.getOpenedGranularityBytes()));
            case BitmapAdded added ->
                new DriveEvent.BitmapAdded(
                        new BitmapName(added.getBitmap()),
                        new Granularity(added.getGranularityBytes()),
                        added.getPersistent(),
                        DriveMapping.toCore(added.getRecording()));
            case BitmapRemoved removed -> new DriveEvent.BitmapRemoved(new BitmapName(removed.getBitmap()));
            case BitmapCleared cleared -> new DriveEvent.BitmapCleared(new BitmapName(cleared.getBitmap()));
            case BitmapEnabled enabled -> new DriveEvent.BitmapEnabled(new BitmapName(enabled.getBitmap()));
            case BitmapDisabled disabled -> new DriveEvent.BitmapDisabled(new BitmapName(disabled.getBitmap()));
            case BitmapsMerged merged ->
                new DriveEvent.BitmapsMerged(
                        new BitmapName(merged.getTarget()),
                        merged.getSources().stream().map(BitmapName::new).toList(),
                        new TreeSet<>(merged.getGenerations()));
            case MarksImported imported ->
                new DriveEvent.MarksImported(
                        imported.getGeneration(),
                        new BitmapName(imported.getInto()),
                        imported.getDirtyBytes(),
                        Scalars.toCore(imported.getDigest()),
                        new Granularity(imported.getOpenedGranularityBytes()));
            case CutReduced reduced ->
                new DriveEvent.CutReduced(
                        MarkMapping.toCore(reduced.getBackup()), new TreeSet<>(reduced.getGenerations()));
            case BitmapMarkedInconsistent marked ->
                new DriveEvent.BitmapMarkedInconsistent(
                        new BitmapName(marked.getBitmap()), Doubts.toCore(marked.getCause(), marked.getReason()));
            case SyncPointMarked marked -> new DriveEvent.SyncPointMarked(MarkMapping.toCore(marked.getMark()));
            case BackupConcluded concluded -> ConclusionMapping.toCore(concluded);
            case BitmapReconciled reconciled ->
                new DriveEvent.BitmapReconciled(
                        MarkMapping.toCore(reconciled.getPoint()),
                        new BitmapName(reconciled.getBitmap()),
                        reconciled.getAnchor().map(MarkMapping::toCore));
            case DriveResized resized ->
                new DriveEvent.DriveResized(
                        resized.getSizeBytes(),
                        NewArea.valueOf(resized.getNewArea().name()));
            case DriveDetached detached -> new DriveEvent.DriveDetached(DriveMapping.toCore(detached.getImage()));
            case DriveHandedOver handedOver ->
                new DriveEvent.DriveHandedOver(DriveMapping.toCore(handedOver.getImage()), handedOver.getTo());
            case BitmapArrived arrived -> new DriveEvent.BitmapArrived(new BitmapName(arrived.getBitmap()));
            case GenerationsCoalesced coalesced ->
                new DriveEvent.GenerationsCoalesced(
                        new TreeSet<>(coalesced.getMerged()),
                        coalesced.getInto(),
                        coalesced.getDirtyBytes(),
                        Scalars.toCore(coalesced.getDigest()));
            case Checkpoint checkpoint -> new DriveEvent.Checkpoint(DriveMapping.toCore(checkpoint.getState()));
            default -> throw Scalars.unexpected("LogRecord.event", event);
        };
    }

    private static DriveAttached attached(DriveEvent.DriveAttached attached) {
        return new DriveAttached(
                Scalars.toAvro(attached.journal().value()),
                attached.inherited().map(heir -> Scalars.toAvro(heir.value())).orElse(null),
                attached.openGeneration(),
                attached.granularity().bytes(),
                attached.sizeBytes(),
                DriveMapping.toAvro(attached.image()),
                io.varve.schemas.avro.Arrival.valueOf(attached.arrival().name()));
    }

    private static DriveEvent.DriveAttached attached(DriveAttached attached) {
        return new DriveEvent.DriveAttached(
                new JournalId(Scalars.toCore(attached.getJournal())),
                attached.getInherited().map(uuid -> new IncarnationId(Scalars.toCore(uuid))),
                attached.getOpenGeneration(),
                new Granularity(attached.getGranularityBytes()),
                attached.getSizeBytes(),
                DriveMapping.toCore(attached.getImage()),
                Arrival.valueOf(attached.getArrival().name()));
    }

    private static ExtentsDirtied dirtied(DriveEvent.ExtentsDirtied dirtied) {
        DeltaExtents extents = DeltaExtents.of(dirtied.extents());
        return new ExtentsDirtied(
                dirtied.generation(),
                dirtied.sequence(),
                extents.unitShift(),
                extents.runs(),
                dirtied.writes(),
                dirtied.writtenBytes());
    }

    private static DriveEvent.ExtentsDirtied dirtied(ExtentsDirtied dirtied) {
        return new DriveEvent.ExtentsDirtied(
                dirtied.getGeneration(),
                dirtied.getSequence(),
                new DeltaExtents(dirtied.getUnitShift(), dirtied.getRuns()).extents(),
                dirtied.getWrites(),
                dirtied.getWrittenBytes());
    }
}
