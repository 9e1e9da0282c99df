package io.varve.capture.job;

import io.varve.capture.tracking.StartedBackup;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Cut;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.id.DriveId;

/** A job that runs. Thread: guarded by the lock of {@link Jobs}. */
final class BackupJob {
    private final String id;
    private final DriveId drive;
    private final SyncPointMark mark;
    private JobStatus status = JobStatus.CREATED;
    private final JobTerms terms;
    private final JobGate gate = new JobGate();
    private final Runnable atEnd;
    private String ioStatus = "ok";
    private long offsetBytes;
    private long lengthBytes;

    /** @param atEnd is run when it's gone */
    BackupJob(JobAction.Backup action, DriveId drive, StartedBackup backup, Runnable atEnd) {
        this.atEnd = atEnd;
        this.id = action.jobId();
        this.terms = action.terms();
        this.drive = drive;
        this.mark = backup.mark();
        this.lengthBytes = switch (mark.kind()) {
            case BackupKind.Full _ -> mark.sizeBytes();
            case BackupKind.Incremental _ -> mark.cut().map(Cut::dirtyBytes).orElse(0L);
        };
    }

    String id() {
        return id;
    }

    DriveId drive() {
        return drive;
    }

    BackupKey key() {
        return mark.key();
    }

    SyncPointMark mark() {
        return mark;
    }

    boolean isOfArchive() {
        return mark.target() == BackupTarget.ARCHIVE;
    }

    JobStatus status() {
        return status;
    }

    void status(JobStatus next) {
        status = next;
    }

    JobTerms terms() {
        return terms;
    }

    JobGate gate() {
        return gate;
    }

    /** QAPI's BlockDeviceIoStatus. */
    void ioStatus(String other) {
        ioStatus = other;
    }

    void gone() {
        atEnd.run();
    }

    void progressed(long copiedBytes, long totalBytes) {
        offsetBytes = copiedBytes;
        lengthBytes = totalBytes;
    }

    void finished() {
        offsetBytes = lengthBytes;
    }

    JobInfo info() {
        return new JobInfo(id, drive, status, offsetBytes, lengthBytes, ioStatus);
    }
}
