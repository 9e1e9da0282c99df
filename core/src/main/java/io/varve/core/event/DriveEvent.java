package io.varve.core.event;

import io.varve.core.bits.Digest;
import io.varve.core.bits.Extent;
import io.varve.core.bits.Granularity;
import io.varve.core.drive.Anchor;
import io.varve.core.drive.Arrival;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.Doubt;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.ImageIdentity;
import io.varve.core.drive.NewArea;
import io.varve.core.drive.Recording;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.id.BitmapName;
import io.varve.core.id.IncarnationId;
import io.varve.core.id.JournalId;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * One event of a drive's log. All but {@link ExtentsDirtied} are control events: numbered within the journal, durable
 * there before they are published.
 */
public sealed interface DriveEvent {

    /**
     * An agent attached.
     *
     * @param inherited the incarnation whose journal goes on; empty for a new journal
     * @param openGeneration the number of the generation that is open now, which is new for a new journal only
     * @param granularity of that generation
     */
    record DriveAttached(
            JournalId journal,
            Optional<IncarnationId> inherited,
            long openGeneration,
            Granularity granularity,
            long sizeBytes,
            ImageIdentity image,
            Arrival arrival)
            implements DriveEvent {}

    /**
     * Granules of a generation became dirty, the same ones perhaps more than once.
     *
     * @param sequence counts this generation's records within the incarnation, from 1
     * @param extents ascending, disjoint, aligned to the generation's granularity
     * @param writes of the guest since the last record
     * @param writtenBytes by these writes
     */
    record ExtentsDirtied(long generation, long sequence, List<Extent> extents, long writes, long writtenBytes)
            implements DriveEvent {
        public ExtentsDirtied {
            extents = List.copyOf(extents);
        }
    }

    /**
     * The open generation changes no more, and the next one, {@code generation + 1}, has opened.
     *
     * @param digest of its marks at its own granularity
     * @param openedGranularity of the next one
     */
    record GenerationSealed(long generation, long dirtyBytes, Digest digest, Granularity openedGranularity)
            implements DriveEvent {}

    /** The open generation joins the new bitmap if it records. */
    record BitmapAdded(BitmapName bitmap, Granularity granularity, boolean persistent, Recording recording)
            implements DriveEvent {}

    record BitmapRemoved(BitmapName bitmap) implements DriveEvent {}

    /** Holds the open generation alone, or nothing when it doesn't record. */
    record BitmapCleared(BitmapName bitmap) implements DriveEvent {}

    /** The open generation joins. */
    record BitmapEnabled(BitmapName bitmap) implements DriveEvent {}

    /** The open generation leaves. */
    record BitmapDisabled(BitmapName bitmap) implements DriveEvent {}

    /**
     * The target takes in what the sources hold.
     *
     * @param generations of the sources, at the merge, all sealed
     */
    record BitmapsMerged(BitmapName target, List<BitmapName> sources, SortedSet<Long> generations)
            implements DriveEvent {
        public BitmapsMerged {
            sources = List.copyOf(sources);
            generations = Collections.unmodifiableSortedSet(new TreeSet<>(generations));
        }
    }

    /**
     * The open generation, which no write has touched, holds marks from elsewhere: a bitmap of another drive, or what
     * an image's file kept. It's sealed with them, {@code into} alone has it, and the next one, {@code generation + 1},
     * has opened; bitmaps that had joined it join that one instead.
     *
     * @param dirtyBytes of these marks
     * @param digest of these marks at the generation's granularity
     * @param openedGranularity of the next one
     */
    record MarksImported(
            long generation, BitmapName into, long dirtyBytes, Digest digest, Granularity openedGranularity)
            implements DriveEvent {}

    /** The bitmap's bits can't be believed any more. */
    record BitmapMarkedInconsistent(BitmapName bitmap, Doubt doubt) implements DriveEvent {}

    /** A cut was taken: the backup's bitmap is busy from here on. */
    record SyncPointMarked(SyncPointMark mark) implements DriveEvent {}

    /**
     * A backup with bitmap-mode 'always' is about to fail: its bitmap gives up what was copied.
     *
     * @param generations what stays of the cut
     */
    record CutReduced(BackupKey backup, SortedSet<Long> generations) implements DriveEvent {
        public CutReduced {
            generations = Collections.unmodifiableSortedSet(new TreeSet<>(generations));
        }
    }

    record BackupConcluded(BackupKey backup, Conclusion conclusion) implements DriveEvent {}

    /**
     * A point in time of the drive was compared with an earlier one: {@code bitmap} holds what differs, and all that
     * was written since. Both are in the bitmap that {@code point}'s mark would anchor, which collected for this, and
     * goes.
     *
     * @param bitmap is added, persistent, where there's none of that name
     * @param anchor the earlier one, where that's a sync point of the archive; the drive is trusted again then
     */
    record BitmapReconciled(BackupKey point, BitmapName bitmap, Optional<Anchor> anchor) implements DriveEvent {}

    /**
     * The open generation, which is empty or holds the growth, has the new size; a seal came before. What lies behind
     * the end counts no more, and a new area is clean.
     *
     * @param newArea what increments rely on: anchors are void when it's unknown
     */
    record DriveResized(long sizeBytes, NewArea newArea) implements DriveEvent {
        /** One of which nothing more is known. */
        public DriveResized(long sizeBytes) {
            this(sizeBytes, NewArea.UNKNOWN);
        }
    }

    /** The drive was given up in order; bitmaps that aren't persistent are gone. */
    record DriveDetached(ImageIdentity image) implements DriveEvent {}

    /**
     * The drive was given up in order, for another agent to go on with: every generation but the open one, which no
     * write has touched, is sealed, and every bitmap stays.
     *
     * @param image as it was left
     * @param to whom, for people to read
     */
    record DriveHandedOver(ImageIdentity image, String to) implements DriveEvent {}

    /** Of an incoming bitmap: the agent that the drive was handed to has all marks that the seals promise. */
    record BitmapArrived(BitmapName bitmap) implements DriveEvent {}

    /**
     * Sealed generations with the same referrers became one, which keeps the number of the last.
     *
     * @param merged the numbers that went, ascending
     * @param into a sealed generation with a granularity as coarse as the finest of all
     */
    record GenerationsCoalesced(SortedSet<Long> merged, long into, long dirtyBytes, Digest digest)
            implements DriveEvent {
        public GenerationsCoalesced {
            merged = Collections.unmodifiableSortedSet(new TreeSet<>(merged));
        }
    }

    /** The whole state, for readers that miss earlier records; its control number is this record's. */
    record Checkpoint(DriveState state) implements DriveEvent {}
}
