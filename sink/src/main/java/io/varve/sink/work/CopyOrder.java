package io.varve.sink.work;

import io.varve.archive.BackupName;
import io.varve.core.commit.Task;
import io.varve.core.drive.Anchor;
import io.varve.core.drive.SyncPointMark;
import io.varve.formats.nbd.NbdUri;
import java.util.Optional;

/**
 * A copy task that makes sense as such.
 *
 * @param export where the point in time is read
 * @param name of this attempt's objects
 * @param parent which the backup lies on; empty for a full one
 */
record CopyOrder(Task.Copy task, NbdUri export, BackupName name, Optional<Anchor> parent) {
    SyncPointMark mark() {
        return task.part().mark();
    }
}
