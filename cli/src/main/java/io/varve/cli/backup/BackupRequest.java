package io.varve.cli.backup;

import java.util.List;

/**
 * What is asked of the agent.
 *
 * @param drives all that the agent has when empty
 * @param bitmap of each drive, added when it's missing
 * @param wanted of each drive
 * @param grouped one failure aborts all
 */
public record BackupRequest(List<String> drives, String bitmap, Wanted wanted, boolean grouped) {
    /** What kind of backup is wanted. */
    public enum Wanted {
        /** An increment where one is possible, else a full one. */
        ANY,
        /** A full one even when an increment is possible. */
        FULL,
        /** An increment, or nothing. */
        INCREMENT
    }

    public BackupRequest {
        drives = List.copyOf(drives);
    }
}
