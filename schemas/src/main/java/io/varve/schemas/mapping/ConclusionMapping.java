package io.varve.schemas.mapping;

import io.varve.core.drive.Anchor;
import io.varve.core.drive.Conclusion;
import io.varve.core.event.DriveEvent;
import io.varve.schemas.avro.BackupConcluded;
import io.varve.schemas.avro.ConclusionAborted;
import io.varve.schemas.avro.ConclusionCancelled;
import io.varve.schemas.avro.ConclusionCommitted;
import io.varve.schemas.avro.ConclusionFailed;
import io.varve.schemas.avro.ConclusionWritten;

/** How a backup ended. */
final class ConclusionMapping {
    private ConclusionMapping() {}

    static BackupConcluded toAvro(DriveEvent.BackupConcluded concluded) {
        return new BackupConcluded(MarkMapping.toAvro(concluded.backup()), toAvro(concluded.conclusion()));
    }

    static DriveEvent.BackupConcluded toCore(BackupConcluded concluded) {
        return new DriveEvent.BackupConcluded(
                MarkMapping.toCore(concluded.getBackup()), conclusion(concluded.getConclusion()));
    }

    private static Object toAvro(Conclusion conclusion) {
        return switch (conclusion) {
            case Conclusion.Committed(Anchor anchor) -> new ConclusionCommitted(MarkMapping.toAvro(anchor));
            case Conclusion.Written() -> new ConclusionWritten();
            case Conclusion.Aborted(String reason) -> new ConclusionAborted(reason);
            case Conclusion.Failed(String reason) -> new ConclusionFailed(reason);
            case Conclusion.Cancelled() -> new ConclusionCancelled();
        };
    }

    private static Conclusion conclusion(Object conclusion) {
        return switch (conclusion) {
            case ConclusionCommitted committed -> new Conclusion.Committed(MarkMapping.toCore(committed.getAnchor()));
            case ConclusionWritten written -> new Conclusion.Written();
            case ConclusionAborted aborted -> new Conclusion.Aborted(aborted.getReason());
            case ConclusionFailed failed -> new Conclusion.Failed(failed.getReason());
            case ConclusionCancelled cancelled -> new Conclusion.Cancelled();
            default -> throw Scalars.unexpected("BackupConcluded.conclusion", conclusion);
        };
    }
}
