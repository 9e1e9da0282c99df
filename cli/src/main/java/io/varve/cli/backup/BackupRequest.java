package io.varve.cli.backup;

import java.util.List;

/**
 * What is asked of the agent.
 *
 * @param drives all that the agent has when empty
 * @param bitmap of each drive, added when it's missing
 * @param full even when an increment is possible
 * @param grouped one failure aborts all
 */
public record BackupRequest(List<String> drives, String bitmap, boolean full, boolean grouped) {
    public BackupRequest {
        drives = List.copyOf(drives);
    }
}
