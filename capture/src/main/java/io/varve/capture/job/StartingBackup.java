package io.varve.capture.job;

import io.varve.capture.node.Node;
import io.varve.capture.tracking.StartedBackup;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.Cut;
import io.varve.core.id.DriveId;
import io.varve.core.transaction.SyncMode;
import java.io.IOException;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A backup that is about to be a job.
 *
 * @param opened its target; empty for the archive
 * @param filter over the source, as QEMU has it
 * @param atEnd gives back what it uses of the nodes
 */
record StartingBackup(
        String id,
        JobAction.Backup backup,
        Node source,
        Optional<OpenedTarget> opened,
        SourceFilter filter,
        Runnable atEnd) {
    private static final Logger LOG = LoggerFactory.getLogger(StartingBackup.class);

    DriveId drive() {
        return new DriveId(backup.action().node());
    }

    OpenedTarget target() {
        return opened.orElseThrow();
    }

    JobTerms terms() {
        return backup.terms();
    }

    /** Whether it takes only what the image holds itself; a file that's made for it has nothing else to show. */
    boolean isOfTop() {
        boolean isOfFile = backup.target() instanceof JobAction.Target.File;
        return backup.action().sync() == SyncMode.TOP
                && (!isOfFile || source.backing().isPresent());
    }

    /** How much will be copied, as far as is known without a look at the target. */
    static long expectedBytes(StartedBackup taken) {
        return switch (taken.mark().kind()) {
            case BackupKind.Full _ -> taken.mark().sizeBytes();
            case BackupKind.Incremental _ ->
                taken.mark().cut().map(Cut::dirtyBytes).orElse(0L);
        };
    }

    /** Gives everything back; a target that nobody wrote to as if it hadn't been opened. */
    void release(boolean wasStarted) {
        try {
            if (!wasStarted && opened.isPresent()) {
                opened.get().abort();
            }
        } catch (IOException e) {
            LOG.warn("job {}: its target couldn't be given up: {}", id, e.getMessage());
        }
        atEnd.run();
    }
}
