package io.varve.cli.quickstart;

import java.time.Duration;

/**
 * A sync point that was committed.
 *
 * @param writesUntilCommit acknowledged by the drives between the cut and the commit
 * @param duration from the request of the cut to the commit
 */
record TakenSyncPoint(String id, Expected expected, long writesUntilCommit, Duration duration) {}
