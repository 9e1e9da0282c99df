package io.varve.schemas.mapping;

import io.varve.core.bits.Granularity;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.Doubt;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Generation;
import io.varve.core.drive.ImageIdentity;
import io.varve.core.drive.Recording;
import io.varve.core.drive.Trust;
import io.varve.core.drive.UndecidedBackup;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import io.varve.core.id.IncarnationId;
import io.varve.core.id.JournalId;
import io.varve.schemas.avro.BitmapBusy;
import io.varve.schemas.avro.BitmapIdle;
import io.varve.schemas.avro.BitmapIncoming;
import io.varve.schemas.avro.BitmapInconsistent;
import io.varve.schemas.avro.Seal;
import io.varve.schemas.avro.TrustSound;
import io.varve.schemas.avro.TrustSuspect;
import java.util.ArrayList;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/** A drive's state and what it is made of. */
public final class DriveMapping {
    private DriveMapping() {}

    public static io.varve.schemas.avro.DriveState toAvro(DriveState state) {
        return new io.varve.schemas.avro.DriveState(
                state.drive().value(),
                Scalars.toAvro(state.journal().value()),
                state.line().stream()
                        .map(incarnation -> Scalars.toAvro(incarnation.value()))
                        .toList(),
                state.control(),
                state.sizeBytes(),
                state.generations().values().stream().map(DriveMapping::toAvro).toList(),
                state.bitmaps().values().stream().map(DriveMapping::toAvro).toList(),
                state.undecided().values().stream().map(DriveMapping::toAvro).toList(),
                toAvro(state.trust()));
    }

    public static DriveState toCore(io.varve.schemas.avro.DriveState state) {
        SortedMap<Long, Generation> generations = new TreeMap<>();
        state.getGenerations().forEach(g -> generations.put(g.getNumber(), toCore(g)));
        SortedMap<BitmapName, Bitmap> bitmaps = new TreeMap<>();
        state.getBitmaps().forEach(b -> bitmaps.put(new BitmapName(b.getName()), toCore(b)));
        SortedMap<BackupKey, UndecidedBackup> undecided = new TreeMap<>();
        state.getUndecided().forEach(u -> {
            UndecidedBackup backup = toCore(u);
            undecided.put(backup.mark().key(), backup);
        });
        return new DriveState(
                new DriveId(state.getDrive()),
                new JournalId(Scalars.toCore(state.getJournal())),
                state.getLine().stream()
                        .map(uuid -> new IncarnationId(Scalars.toCore(uuid)))
                        .toList(),
                state.getControl(),
                state.getSizeBytes(),
                generations,
                bitmaps,
                undecided,
                trust(state.getTrust()));
    }

    static io.varve.schemas.avro.ImageIdentity toAvro(ImageIdentity image) {
        return new io.varve.schemas.avro.ImageIdentity(
                image.path(), image.fileKey(), image.modifiedMillis(), image.sampleSha256(), image.changedMillis());
    }

    static ImageIdentity toCore(io.varve.schemas.avro.ImageIdentity image) {
        return new ImageIdentity(
                image.getPath(),
                image.getFileKey(),
                image.getModifiedMillis(),
                image.getSampleSha256(),
                image.getChangedMillis());
    }

    static io.varve.schemas.avro.Recording toAvro(Recording recording) {
        return io.varve.schemas.avro.Recording.valueOf(recording.name());
    }

    static Recording toCore(io.varve.schemas.avro.Recording recording) {
        return Recording.valueOf(recording.name());
    }

    private static io.varve.schemas.avro.Generation toAvro(Generation generation) {
        return new io.varve.schemas.avro.Generation(
                generation.number(),
                generation.granularity().bytes(),
                generation.sizeBytes(),
                generation
                        .seal()
                        .map(seal -> new Seal(seal.dirtyBytes(), Scalars.toAvro(seal.digest())))
                        .orElse(null));
    }

    private static Generation toCore(io.varve.schemas.avro.Generation generation) {
        return new Generation(
                generation.getNumber(),
                new Granularity(generation.getGranularityBytes()),
                generation.getSizeBytes(),
                generation
                        .getSeal()
                        .map(seal -> new Generation.Seal(seal.getDirtyBytes(), Scalars.toCore(seal.getDigest()))));
    }

    private static io.varve.schemas.avro.Bitmap toAvro(Bitmap bitmap) {
        return new io.varve.schemas.avro.Bitmap(
                bitmap.name().value(),
                bitmap.granularity().bytes(),
                bitmap.persistent(),
                toAvro(bitmap.status()),
                bitmap.anchor().map(MarkMapping::toAvro).orElse(null),
                new ArrayList<>(bitmap.generations()),
                bitmap.sequence());
    }

    private static Bitmap toCore(io.varve.schemas.avro.Bitmap bitmap) {
        return new Bitmap(
                new BitmapName(bitmap.getName()),
                new Granularity(bitmap.getGranularityBytes()),
                bitmap.getPersistent(),
                status(bitmap.getStatus()),
                bitmap.getAnchor().map(MarkMapping::toCore),
                new TreeSet<>(bitmap.getGenerations()),
                bitmap.getSequence());
    }

    private static Object toAvro(BitmapStatus status) {
        return switch (status) {
            case BitmapStatus.Idle(Recording recording) -> new BitmapIdle(toAvro(recording));
            case BitmapStatus.Busy(var backup, var successor, var recording, var sequence) ->
                new BitmapBusy(MarkMapping.toAvro(backup), new ArrayList<>(successor), toAvro(recording), sequence);
            case BitmapStatus.Incoming(Recording recording) -> new BitmapIncoming(toAvro(recording));
            case BitmapStatus.Inconsistent(Doubt doubt) ->
                new BitmapInconsistent(doubt.reason(), doubt.cause().label());
        };
    }

    private static BitmapStatus status(Object status) {
        return switch (status) {
            case BitmapIdle idle -> new BitmapStatus.Idle(toCore(idle.getRecording()));
            case BitmapBusy busy ->
                new BitmapStatus.Busy(
                        MarkMapping.toCore(busy.getBackup()),
                        new TreeSet<>(busy.getSuccessor()),
                        toCore(busy.getRecording()),
                        busy.getSuccessorSequence());
            case BitmapIncoming incoming -> new BitmapStatus.Incoming(toCore(incoming.getRecording()));
            case BitmapInconsistent inconsistent ->
                new BitmapStatus.Inconsistent(Doubts.toCore(inconsistent.getCause(), inconsistent.getReason()));
            default -> throw Scalars.unexpected("Bitmap.status", status);
        };
    }

    private static io.varve.schemas.avro.UndecidedBackup toAvro(UndecidedBackup backup) {
        return new io.varve.schemas.avro.UndecidedBackup(
                MarkMapping.toAvro(backup.mark()),
                io.varve.schemas.avro.BackupPhase.valueOf(backup.phase().name()),
                Scalars.bitmapNames(backup.anchors()));
    }

    private static UndecidedBackup toCore(io.varve.schemas.avro.UndecidedBackup backup) {
        return new UndecidedBackup(
                MarkMapping.toCore(backup.getMark()),
                UndecidedBackup.Phase.valueOf(backup.getPhase().name()),
                Scalars.bitmaps(backup.getAnchors()));
    }

    private static Object toAvro(Trust trust) {
        return switch (trust) {
            case Trust.Sound() -> new TrustSound();
            case Trust.Suspect(String reason) -> new TrustSuspect(reason);
        };
    }

    private static Trust trust(Object trust) {
        return switch (trust) {
            case TrustSound sound -> new Trust.Sound();
            case TrustSuspect suspect -> new Trust.Suspect(suspect.getReason());
            default -> throw Scalars.unexpected("DriveState.trust", trust);
        };
    }
}
