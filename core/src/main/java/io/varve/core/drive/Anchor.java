package io.varve.core.drive;

import io.varve.core.bits.Digest;
import io.varve.core.id.SyncPointId;

/**
 * The committed archive sync point since which a bitmap holds every write.
 *
 * @param chain the sync point of the chain's full backup, which names the chain
 * @param sequence 0 for the full backup, then 1, 2, 3 …
 * @param manifestKey the object key of the drive's manifest at that sync point
 * @param manifestSha256 of that manifest's bytes: the link to the parent
 */
public record Anchor(
        SyncPointId syncPoint, SyncPointId chain, int sequence, String manifestKey, Digest manifestSha256) {}
