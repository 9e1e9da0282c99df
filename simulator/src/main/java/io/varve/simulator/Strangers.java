package io.varve.simulator;

import io.varve.core.drive.BackupKind;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.id.DriveId;
import io.varve.core.id.IncarnationId;
import io.varve.core.id.SyncPointId;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Knows the second agents that write a drive, and where their records stand in the log (I8). */
final class Strangers {
    private final World world;
    private final Set<IncarnationId> incarnations = new HashSet<>();

    Strangers(World world) {
        this.world = world;
    }

    void add(IncarnationId incarnation) {
        incarnations.add(incarnation);
    }

    boolean areKnown() {
        return !incarnations.isEmpty();
    }

    /** No record of a stranger may stand between a chain's full backup and an increment on it that is offered. */
    void offered(DriveId drive, SyncPointMark mark) {
        if (incarnations.isEmpty() || !(mark.kind() instanceof BackupKind.Incremental(var parent))) {
            return;
        }
        SyncPointId chain = parent.orElseThrow().chain();
        List<LogRecord> log = world.broker().partition(drive);
        boolean isAfterFull = false;
        boolean isStrange = false;
        for (LogRecord record : log) {
            boolean isStranger = incarnations.contains(record.incarnation());
            if (record.event() instanceof DriveEvent.SyncPointMarked(var other) && !isStranger) {
                isAfterFull |= other.key().syncPoint().equals(chain);
                if (other.key().equals(mark.key())) {
                    break;
                }
            }
            isStrange |= isAfterFull && isStranger;
        }
        if (isStrange) {
            throw new Violation(
                    "I8", "drive " + drive + ": the increment " + mark.key() + " is offered after a stranger's record");
        }
    }
}
