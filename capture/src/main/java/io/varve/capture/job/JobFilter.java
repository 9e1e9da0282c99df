package io.varve.capture.job;

import io.varve.capture.node.Node;
import io.varve.core.bits.Granularity;

/**
 * The copy-before-write filter that clients of QEMU see over a backup's source while the job isn't over.
 *
 * @param node the source
 * @param cluster what's copied at once
 * @param leftBytes what is still to be copied
 * @param begun when its point in time was taken
 */
public record JobFilter(String name, Node node, Granularity cluster, long leftBytes, Begun begun) {
    /**
     * A point in time of a drive's log.
     *
     * @param control the number of the latest control event
     * @param generation the one that was open from then on
     */
    public record Begun(long control, long generation) {}
}
