package io.varve.transfer;

import io.varve.formats.qcow2.ClusterKind;

/**
 * What an image holds of one cluster. A cluster of which a full image has no sum reads as zeros.
 *
 * @param cluster its index in the drive
 * @param hostOffsetBytes where its bytes stand in the image; 0 for zeros
 * @param storedBytes a whole cluster, padded with zeros behind the drive's end; 0 for zeros
 * @param checksum of the whole cluster, of zeros too
 */
public record ClusterSum(long cluster, ClusterKind kind, long hostOffsetBytes, int storedBytes, Checksum checksum) {}
