package io.varve.restore.merge;

/**
 * One backup of a chain.
 *
 * @param visibleBytes how much of it counts: the smallest size among it and all newer ones, since what a shrink cut off
 *     is gone even when the drive grew again
 */
public record Layer(int clusterSizeBytes, long visibleBytes, SumSource source) {}
