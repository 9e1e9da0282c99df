package io.varve.cli.reconcile;

import io.varve.archive.store.ObjectStore;
import io.varve.cli.qmp.QmpClient;
import io.varve.core.bits.Marks;
import io.varve.core.drive.Anchor;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import io.varve.restore.RestoreProgress;
import io.varve.restore.compare.Baseline;
import io.varve.restore.compare.ChainBaseline;
import io.varve.restore.compare.ChainHead;
import io.varve.restore.compare.DriveComparison;
import io.varve.restore.compare.ImageBaseline;
import io.varve.transfer.source.NbdClusterSource;
import io.varve.transfer.source.NbdSourceOptions;
import java.io.IOException;
import java.util.Optional;

/**
 * Compares drives of an agent with what they were, and has the agent's bitmaps hold the difference. Whatever fails on
 * the way leaves the bitmap as it was. Thread: the client's owner.
 */
public final class Reconciler {
    private final QmpClient client;
    private final BitmapName bitmap;
    private final NbdSourceOptions reading;
    private final RestoreProgress progress;

    /**
     * Makes one.
     *
     * @param reading how points in time are read
     */
    public Reconciler(QmpClient client, BitmapName bitmap, NbdSourceOptions reading, RestoreProgress progress) {
        this.client = client;
        this.bitmap = bitmap;
        this.reading = reading;
        this.progress = progress;
    }

    /** What a drive is compared with. */
    private record Earlier(Baseline baseline, Optional<Anchor> anchor) {}

    /**
     * Compares a drive with a sync point.
     *
     * @param syncPoint the latest one when empty
     */
    public Reconciled with(ObjectStore store, String device, Optional<String> syncPoint)
            throws IOException, InterruptedException {
        DriveId drive = drive(device);
        ChainHead head = syncPoint.isPresent()
                ? ChainHead.at(store, syncPoint.get(), drive)
                : ChainHead.latest(store, drive, bitmap);
        return run(device, new Earlier(ChainBaseline.of(store, head.ref()), Optional.of(head.anchor())));
    }

    /** Compares a drive with an image; the bitmap is no base of the archive's increments then. */
    public Reconciled with(ImageSource image, String device) throws IOException, InterruptedException {
        return run(device, new Earlier(new ImageBaseline(image), Optional.empty()));
    }

    private static DriveId drive(String device) throws IOException {
        try {
            return new DriveId(device);
        } catch (IllegalArgumentException e) {
            throw new IOException("'" + device + "' is no drive: " + e.getMessage(), e);
        }
    }

    private Reconciled run(String device, Earlier earlier) throws IOException, InterruptedException {
        try (PointInTime point = PointInTime.take(client, device, bitmap.value());
                NbdClusterSource source = NbdClusterSource.open(point.export(), Optional.empty(), reading)) {
            if (earlier.anchor().isPresent() && !point.drive().equals(device)) {
                throw new IOException("'" + device + "' is drive '" + point.drive() + "' at the agent: name it so");
            }
            DriveId drive = drive(device);
            Marks differing = new DriveComparison(
                            source, earlier.baseline(), done -> progress.reached(drive, done, source.sizeBytes()))
                    .run(point.granularity());
            long differingBytes = differing.dirtyBytes();
            long dirtyBytes = point.end(differing, earlier.anchor());
            return new Reconciled(
                    device,
                    earlier.anchor().map(anchor -> anchor.syncPoint().value()),
                    point.inconsistency(),
                    source.sizeBytes(),
                    differingBytes,
                    dirtyBytes);
        }
    }
}
