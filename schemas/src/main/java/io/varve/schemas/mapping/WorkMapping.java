package io.varve.schemas.mapping;

import io.varve.core.bits.Granularity;
import io.varve.core.bits.PackedMarks;
import io.varve.core.commit.ManifestRef;
import io.varve.core.commit.Part;
import io.varve.core.commit.Task;
import io.varve.core.commit.UnitId;
import io.varve.core.commit.Verdict;
import io.varve.core.id.DriveId;
import io.varve.core.id.JournalId;
import io.varve.core.id.SyncPointId;
import io.varve.schemas.avro.DriveManifest;
import io.varve.schemas.avro.TaskCopy;
import io.varve.schemas.avro.TaskDecide;
import io.varve.schemas.avro.VerdictAborted;
import io.varve.schemas.avro.VerdictCommitted;
import java.nio.ByteBuffer;
import java.util.SortedMap;
import java.util.TreeMap;

/** Tasks, and what they are made of. */
public final class WorkMapping {
    private WorkMapping() {}

    public static io.varve.schemas.avro.Task toAvro(Task task) {
        return new io.varve.schemas.avro.Task(
                switch (task) {
                    case Task.Copy(Part part, int attempt) -> new TaskCopy(toAvro(part), attempt);
                    case Task.Decide(UnitId unit, Verdict proposed, var drives) ->
                        new TaskDecide(toAvro(unit), toAvro(proposed), Scalars.driveNames(drives));
                });
    }

    public static Task toCore(io.varve.schemas.avro.Task task) {
        return switch (task.getTask()) {
            case TaskCopy copy -> new Task.Copy(toCore(copy.getPart()), copy.getAttempt());
            case TaskDecide decide ->
                new Task.Decide(
                        toCore(decide.getUnit()), verdict(decide.getProposed()), Scalars.drives(decide.getDrives()));
            default -> throw Scalars.unexpected("Task.task", task.getTask());
        };
    }

    public static io.varve.schemas.avro.PackedMarks toAvro(PackedMarks marks) {
        return new io.varve.schemas.avro.PackedMarks(
                marks.granularity().bytes(), marks.sizeBytes(), ByteBuffer.wrap(marks.runs()));
    }

    public static PackedMarks toCore(io.varve.schemas.avro.PackedMarks marks) {
        byte[] runs = new byte[marks.getRuns().remaining()];
        marks.getRuns().duplicate().get(runs);
        return new PackedMarks(new Granularity(marks.getGranularityBytes()), marks.getSizeBytes(), runs);
    }

    static io.varve.schemas.avro.Part toAvro(Part part) {
        return new io.varve.schemas.avro.Part(
                part.drive().value(),
                Scalars.toAvro(part.journal().value()),
                MarkMapping.toAvro(part.mark()),
                part.cut().map(WorkMapping::toAvro).orElse(null));
    }

    static Part toCore(io.varve.schemas.avro.Part part) {
        return new Part(
                new DriveId(part.getDrive()),
                new JournalId(Scalars.toCore(part.getJournal())),
                MarkMapping.toCore(part.getMark()),
                part.getCut().map(WorkMapping::toCore));
    }

    static io.varve.schemas.avro.UnitId toAvro(UnitId unit) {
        return new io.varve.schemas.avro.UnitId(
                unit.syncPoint().value(), unit.drive().map(DriveId::value).orElse(null));
    }

    static UnitId toCore(io.varve.schemas.avro.UnitId unit) {
        return new UnitId(new SyncPointId(unit.getSyncPoint()), unit.getDrive().map(DriveId::new));
    }

    static io.varve.schemas.avro.ManifestRef toAvro(ManifestRef manifest) {
        return new io.varve.schemas.avro.ManifestRef(manifest.key(), Scalars.toAvro(manifest.sha256()));
    }

    static ManifestRef toCore(io.varve.schemas.avro.ManifestRef manifest) {
        return new ManifestRef(manifest.getKey(), Scalars.toCore(manifest.getSha256()));
    }

    static Object toAvro(Verdict verdict) {
        return switch (verdict) {
            case Verdict.Committed(SortedMap<DriveId, ManifestRef> manifests) ->
                new VerdictCommitted(manifests.entrySet().stream()
                        .map(entry -> new DriveManifest(entry.getKey().value(), toAvro(entry.getValue())))
                        .toList());
            case Verdict.Aborted(String reason) -> new VerdictAborted(reason);
        };
    }

    static Verdict verdict(Object verdict) {
        return switch (verdict) {
            case VerdictCommitted committed -> {
                SortedMap<DriveId, ManifestRef> manifests = new TreeMap<>();
                committed
                        .getManifests()
                        .forEach(m -> manifests.put(new DriveId(m.getDrive()), toCore(m.getManifest())));
                yield new Verdict.Committed(manifests);
            }
            case VerdictAborted aborted -> new Verdict.Aborted(aborted.getReason());
            default -> throw Scalars.unexpected("verdict", verdict);
        };
    }
}
