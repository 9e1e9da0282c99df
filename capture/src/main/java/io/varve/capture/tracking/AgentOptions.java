package io.varve.capture.tracking;

import io.varve.capture.activity.ActivityOptions;
import java.nio.file.Path;

/**
 * Where an agent keeps its things, and its limits.
 *
 * @param stateDirectory durable: journals and the marks of sealed generations
 * @param liveDirectory on memory-backed storage: what survives the process, not the host
 * @param fleeceDirectory where snapshots keep what guests overwrite
 * @param fleeceBytesMax how much one snapshot may keep
 * @param cbwTimeoutMillis how long a guest's write may wait for old content to be copied
 * @param exportAddress where sinks reach the snapshots: {@code unix:PATH} or {@code HOST:PORT}
 * @param activity how it keeps the drives' activity logs
 */
public record AgentOptions(
        Path stateDirectory,
        Path liveDirectory,
        Path fleeceDirectory,
        long fleeceBytesMax,
        long cbwTimeoutMillis,
        String exportAddress,
        ActivityOptions activity) {
    /** How long guests' writes may be held for a cut. */
    public static final long HOLD_MILLIS_MAX = 500;

    /** How many snapshots a drive may have at once. */
    public static final int SNAPSHOTS_MAX = 4;

    /** How many sealed generations a drive keeps before those with the same referrers are merged. */
    static final int GENERATIONS_MAX = 8;

    /** How long a journal may be before a checkpoint takes the place of what it holds. */
    static final long JOURNAL_BYTES = 1 << 20;

    /** How many writes of a drive may be in flight; more wait. */
    public static final int IN_FLIGHT_MAX = 4096;

    public static final long CBW_TIMEOUT_MILLIS_DEFAULT = 5_000;

    public AgentOptions {
        if (fleeceBytesMax <= 0 || cbwTimeoutMillis <= 0) {
            throw new IllegalArgumentException("fleece limit " + fleeceBytesMax + " bytes, copy-before-write timeout "
                    + cbwTimeoutMillis + " ms; expected both above 0");
        }
    }

    /** With an activity log as usual. */
    public AgentOptions(
            Path stateDirectory,
            Path liveDirectory,
            Path fleeceDirectory,
            long fleeceBytesMax,
            long cbwTimeoutMillis,
            String exportAddress) {
        this(
                stateDirectory,
                liveDirectory,
                fleeceDirectory,
                fleeceBytesMax,
                cbwTimeoutMillis,
                exportAddress,
                ActivityOptions.DEFAULT);
    }

    /** The same but for the activity logs. */
    public AgentOptions with(ActivityOptions activity) {
        return new AgentOptions(
                stateDirectory,
                liveDirectory,
                fleeceDirectory,
                fleeceBytesMax,
                cbwTimeoutMillis,
                exportAddress,
                activity);
    }

    /** Everything but the live sets in the state directory, and no limit for the fleece but the disk's. */
    public static AgentOptions in(Path stateDirectory, Path liveDirectory, String exportAddress) {
        return new AgentOptions(
                stateDirectory,
                liveDirectory,
                stateDirectory,
                Long.MAX_VALUE,
                CBW_TIMEOUT_MILLIS_DEFAULT,
                exportAddress);
    }
}
