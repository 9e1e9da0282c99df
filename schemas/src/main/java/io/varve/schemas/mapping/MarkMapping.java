package io.varve.schemas.mapping;

import io.varve.core.bits.Granularity;
import io.varve.core.drive.Anchor;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.BitmapMode;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Cut;
import io.varve.core.drive.FullCause;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.id.BitmapName;
import io.varve.core.id.SyncPointId;
import io.varve.schemas.avro.FullBackup;
import io.varve.schemas.avro.IncrementalBackup;
import io.varve.schemas.avro.SnapshotExport;
import java.util.ArrayList;
import java.util.TreeSet;

/** The transaction marker and what it is made of. */
public final class MarkMapping {
    private MarkMapping() {}

    static io.varve.schemas.avro.SyncPointMark toAvro(SyncPointMark mark) {
        return new io.varve.schemas.avro.SyncPointMark(
                toAvro(mark.key()),
                Scalars.driveNames(mark.participants()),
                io.varve.schemas.avro.Completion.valueOf(mark.completion().name()),
                io.varve.schemas.avro.BackupTarget.valueOf(mark.target().name()),
                toAvro(mark.kind()),
                mark.cut().map(MarkMapping::toAvro).orElse(null),
                Scalars.bitmapNames(mark.anchors()),
                mark.sizeBytes(),
                new SnapshotExport(mark.export().address(), mark.export().name()));
    }

    static SyncPointMark toCore(io.varve.schemas.avro.SyncPointMark mark) {
        SnapshotExport export = mark.getExport();
        return new SyncPointMark(
                toCore(mark.getKey()),
                Scalars.drives(mark.getParticipants()),
                Completion.valueOf(mark.getCompletion().name()),
                BackupTarget.valueOf(mark.getTarget().name()),
                kind(mark.getKind()),
                mark.getCut().map(MarkMapping::toCore),
                Scalars.bitmaps(mark.getAnchors()),
                mark.getSizeBytes(),
                new SyncPointMark.SnapshotExport(export.getAddress(), export.getName()));
    }

    static io.varve.schemas.avro.BackupKey toAvro(BackupKey key) {
        return new io.varve.schemas.avro.BackupKey(key.syncPoint().value(), key.ordinal());
    }

    static BackupKey toCore(io.varve.schemas.avro.BackupKey key) {
        return new BackupKey(new SyncPointId(key.getSyncPoint()), key.getOrdinal());
    }

    public static io.varve.schemas.avro.Anchor toAvro(Anchor anchor) {
        return new io.varve.schemas.avro.Anchor(
                anchor.syncPoint().value(),
                anchor.chain().value(),
                anchor.sequence(),
                anchor.manifestKey(),
                Scalars.toAvro(anchor.manifestSha256()));
    }

    public static Anchor toCore(io.varve.schemas.avro.Anchor anchor) {
        return new Anchor(
                new SyncPointId(anchor.getSyncPoint()),
                new SyncPointId(anchor.getChain()),
                anchor.getSequence(),
                anchor.getManifestKey(),
                Scalars.toCore(anchor.getManifestSha256()));
    }

    private static Object toAvro(BackupKind kind) {
        return switch (kind) {
            case BackupKind.Full(var cause) ->
                new FullBackup(cause.map(FullCause::label).orElse(null));
            case BackupKind.Incremental(var parent) ->
                new IncrementalBackup(parent.map(MarkMapping::toAvro).orElse(null));
        };
    }

    private static BackupKind kind(Object kind) {
        return switch (kind) {
            case FullBackup full -> new BackupKind.Full(full.getCause().map(FullCause::ofAnyVersion));
            case IncrementalBackup incremental ->
                new BackupKind.Incremental(incremental.getParent().map(MarkMapping::toCore));
            default -> throw Scalars.unexpected("SyncPointMark.kind", kind);
        };
    }

    private static io.varve.schemas.avro.Cut toAvro(Cut cut) {
        return new io.varve.schemas.avro.Cut(
                cut.bitmap().value(),
                io.varve.schemas.avro.BitmapMode.valueOf(cut.mode().name()),
                new ArrayList<>(cut.generations()),
                cut.granularity().bytes(),
                cut.dirtyBytes(),
                Scalars.toAvro(cut.digest()));
    }

    private static Cut toCore(io.varve.schemas.avro.Cut cut) {
        return new Cut(
                new BitmapName(cut.getBitmap()),
                BitmapMode.valueOf(cut.getMode().name()),
                new TreeSet<>(cut.getGenerations()),
                new Granularity(cut.getGranularityBytes()),
                cut.getDirtyBytes(),
                Scalars.toCore(cut.getDigest()));
    }
}
