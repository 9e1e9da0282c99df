package io.varve.archive;

import io.varve.archive.store.ObjectKey;
import io.varve.archive.store.StoredParts;
import io.varve.core.bits.Digest;
import io.varve.core.bits.Granularity;
import io.varve.core.commit.ManifestRef;
import io.varve.core.commit.UnitId;
import io.varve.core.drive.Completion;
import io.varve.core.drive.FullCause;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import io.varve.core.id.JournalId;
import io.varve.core.id.SyncPointId;
import java.time.Instant;
import java.util.Collections;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * All that's known of one drive's backup at one sync point. Restore follows manifests only.
 *
 * @param parent the backup that this one lies on; empty for a full one
 * @param fullCause why it's a full one though nobody asked for that
 * @param cut what the backup had to copy; empty for a full one without a bitmap
 * @param created when the copy was done; for people, who list and choose by it: no decision of the protocol reads it
 * @param position of the sync point's marker in the log, when it came that way
 */
public record Manifest(
        BackupName name,
        Membership membership,
        Optional<ManifestRef> parent,
        Optional<FullCause> fullCause,
        Image image,
        Optional<CutProof> cut,
        DataObject data,
        SumsObject sums,
        Instant created,
        Optional<LogPosition> position) {

    /** The sync point, every drive that takes part in it, and whether they commit together. */
    public record Membership(SyncPointId syncPoint, SortedSet<DriveId> participants, Completion completion) {
        public Membership {
            participants = Collections.unmodifiableSortedSet(new TreeSet<>(participants));
        }

        /** The unit in whose decision {@code drive}'s backup must be named. */
        public UnitId unitOf(DriveId drive) {
            return new UnitId(syncPoint, completion == Completion.GROUPED ? Optional.empty() : Optional.of(drive));
        }
    }

    /** The drive's size at the cut, and the image's cluster. */
    public record Image(long sizeBytes, int clusterSizeBytes) {
        private static final int MIN_CLUSTER_BYTES = 512;
        private static final int MAX_CLUSTER_BYTES = 2 << 20;

        public Image {
            boolean power = Integer.bitCount(clusterSizeBytes) == 1;
            if (sizeBytes < 0
                    || !power
                    || clusterSizeBytes < MIN_CLUSTER_BYTES
                    || clusterSizeBytes > MAX_CLUSTER_BYTES) {
                throw new IllegalArgumentException("image of " + sizeBytes + " bytes in clusters of " + clusterSizeBytes
                        + " bytes; expected a size, and a power of two from 512 B to 2 MiB");
            }
        }

        public long clusters() {
            return new Granularity(clusterSizeBytes).granules(sizeBytes);
        }
    }

    /** What had to be copied. */
    public record CutProof(BitmapName bitmap, Generations generations, Dirt dirt) {}

    /** The cut's generations, in the numbers of their journal. */
    public record Generations(JournalId journal, SortedSet<Long> numbers) {
        public Generations {
            numbers = Collections.unmodifiableSortedSet(new TreeSet<>(numbers));
        }
    }

    /** The union of a cut's generations: how much it is at the bitmap's granularity, and its digest. */
    public record Dirt(Granularity granularity, long dirtyBytes, Digest digest) {}

    /**
     * The qcow2 object.
     *
     * @param parts as it was stored; they give its length and its digest
     * @param dirtyBytes clusters that the backup holds, data and zeros, times their size
     */
    public record DataObject(ObjectKey key, StoredParts parts, long dirtyBytes) {
        public long lengthBytes() {
            return parts.lengthBytes();
        }
    }

    /** The object with the clusters' checksums ({@link Sums}). */
    public record SumsObject(ObjectKey key, long lengthBytes, Digest sha256) {}

    /** Where a record stands in the log. */
    public record LogPosition(String topic, int partition, long offset) {}

    public Manifest {
        if (name.isFull() == parent.isPresent()) {
            throw new IllegalArgumentException("backup " + name.sequence() + " of chain " + name.chain()
                    + (parent.isPresent() ? " has" : " has no") + " parent; only the full one, 0, has none");
        }
        if (fullCause.isPresent() && !name.isFull()) {
            throw new IllegalArgumentException(
                    "backup " + name.sequence() + " of chain " + name.chain() + " has a cause to be a full one, '"
                            + fullCause.get().label() + "'; only the full one, 0, has one");
        }
        if (!data.key().equals(ObjectKeys.data(name)) || !sums.key().equals(ObjectKeys.sums(name))) {
            throw new IllegalArgumentException("the manifest of '" + ObjectKeys.manifest(name) + "' names '"
                    + data.key() + "' and '" + sums.key() + "', which aren't its attempt's");
        }
        if (!membership.participants().contains(name.drive())) {
            throw new IllegalArgumentException(
                    "drive " + name.drive() + " isn't among the participants " + membership.participants());
        }
    }

    public UnitId unit() {
        return membership.unitOf(name.drive());
    }
}
