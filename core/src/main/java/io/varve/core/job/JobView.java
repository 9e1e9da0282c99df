package io.varve.core.job;

import java.util.Optional;

/**
 * A job as a query shows it.
 *
 * @param paused by a user, an error, or a drain
 * @param bytesPerSecond 0 for no limit
 * @param error once it's aborting
 */
public record JobView(
        JobStatus status, boolean paused, IoStatus ioStatus, long bytesPerSecond, Optional<JobError> error) {}
