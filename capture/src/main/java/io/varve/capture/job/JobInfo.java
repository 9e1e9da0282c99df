package io.varve.capture.job;

import io.varve.core.id.DriveId;

/**
 * A job as others see it.
 *
 * @param id unique among those that run
 * @param ioStatus QAPI's word: {@code ok}, or how the request failed that stopped it
 * @param offsetBytes done of {@code lengthBytes}; both are the same after a success
 */
public record JobInfo(
        String id, DriveId drive, JobStatus status, long offsetBytes, long lengthBytes, String ioStatus) {}
