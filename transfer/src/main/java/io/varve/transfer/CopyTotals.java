package io.varve.transfer;

/**
 * What a copy has written.
 *
 * @param dataClusters kept with their bytes
 * @param zeroClusters kept as zeros
 */
public record CopyTotals(long dataClusters, long zeroClusters) {
    /** Clusters that the image holds, data and zeros. */
    public long clusters() {
        return dataClusters + zeroClusters;
    }
}
