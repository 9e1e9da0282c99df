package io.varve.schemas.mapping;

import io.varve.core.commit.Outcome;
import io.varve.core.id.DriveId;
import io.varve.schemas.avro.AbortRequested;
import io.varve.schemas.avro.CopyDone;
import io.varve.schemas.avro.CopyFailed;
import io.varve.schemas.avro.CopyProgress;
import io.varve.schemas.avro.Doubt;
import io.varve.schemas.avro.RepublicationRequested;
import io.varve.schemas.avro.Retry;
import io.varve.schemas.avro.UnitDecided;
import java.util.ArrayList;
import java.util.TreeSet;

/** The messages about units and to agents. */
public final class OutcomeMapping {
    private OutcomeMapping() {}

    public static io.varve.schemas.avro.Outcome toAvro(Outcome outcome) {
        return new io.varve.schemas.avro.Outcome(union(outcome));
    }

    private static Object union(Outcome outcome) {
        return switch (outcome) {
            case Outcome.Progress(var unit, var drive, int attempt, long copiedBytes, long totalBytes) ->
                new CopyProgress(WorkMapping.toAvro(unit), drive.value(), attempt, copiedBytes, totalBytes);
            case Outcome.Copied(var unit, var drive, int attempt, var manifest, long storedBytes) ->
                new CopyDone(
                        WorkMapping.toAvro(unit), drive.value(), attempt, WorkMapping.toAvro(manifest), storedBytes);
            case Outcome.CopyFailed(var unit, var drive, int attempt, String reason, var retry) ->
                new CopyFailed(WorkMapping.toAvro(unit), drive.value(), attempt, reason, Retry.valueOf(retry.name()));
            case Outcome.AbortRequested(var unit, var drive, String reason) ->
                new AbortRequested(WorkMapping.toAvro(unit), drive.value(), reason);
            case Outcome.Decided(var unit, var drive, var verdict) ->
                new UnitDecided(WorkMapping.toAvro(unit), drive.value(), WorkMapping.toAvro(verdict));
            case Outcome.RepublicationRequested(var drive, long fromControl, var generations, var doubt) ->
                new RepublicationRequested(
                        drive.value(),
                        fromControl,
                        new ArrayList<>(generations),
                        doubt.map(why -> new Doubt(why.cause().label(), why.reason()))
                                .orElse(null));
        };
    }

    public static Outcome toCore(io.varve.schemas.avro.Outcome outcome) {
        return switch (outcome.getOutcome()) {
            case CopyProgress progress ->
                new Outcome.Progress(
                        WorkMapping.toCore(progress.getUnit()),
                        new DriveId(progress.getDrive()),
                        progress.getAttempt(),
                        progress.getCopiedBytes(),
                        progress.getTotalBytes());
            case CopyDone done ->
                new Outcome.Copied(
                        WorkMapping.toCore(done.getUnit()),
                        new DriveId(done.getDrive()),
                        done.getAttempt(),
                        WorkMapping.toCore(done.getManifest()),
                        done.getStoredBytes());
            case CopyFailed failed ->
                new Outcome.CopyFailed(
                        WorkMapping.toCore(failed.getUnit()),
                        new DriveId(failed.getDrive()),
                        failed.getAttempt(),
                        failed.getReason(),
                        Outcome.Retry.valueOf(failed.getRetry().name()));
            case AbortRequested abort ->
                new Outcome.AbortRequested(
                        WorkMapping.toCore(abort.getUnit()), new DriveId(abort.getDrive()), abort.getReason());
            case UnitDecided decided ->
                new Outcome.Decided(
                        WorkMapping.toCore(decided.getUnit()),
                        new DriveId(decided.getDrive()),
                        WorkMapping.verdict(decided.getVerdict()));
            case RepublicationRequested requested ->
                new Outcome.RepublicationRequested(
                        new DriveId(requested.getDrive()),
                        requested.getFromControl(),
                        new TreeSet<>(requested.getGenerations()),
                        requested.getDoubt().map(why -> Doubts.toCore(why.getCause(), why.getReason())));
            default -> throw Scalars.unexpected("Outcome.outcome", outcome.getOutcome());
        };
    }
}
