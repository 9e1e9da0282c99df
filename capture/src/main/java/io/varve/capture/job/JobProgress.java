package io.varve.capture.job;

/** How far a job is: {@code offsetBytes} of {@code lengthBytes}; both are the same after a success. */
public record JobProgress(long offsetBytes, long lengthBytes) {}
