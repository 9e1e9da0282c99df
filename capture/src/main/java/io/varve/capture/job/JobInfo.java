package io.varve.capture.job;

import io.varve.core.id.DriveId;

/**
 * A job as others see it.
 *
 * @param id unique among those that run
 * @param offsetBytes done of {@code lengthBytes}; both are the same after a success
 */
public record JobInfo(String id, DriveId drive, JobStatus status, long offsetBytes, long lengthBytes) {}
