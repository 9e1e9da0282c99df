package io.varve.sink.work;

import io.varve.archive.Manifest;
import io.varve.archive.Manifest.DataObject;
import io.varve.archive.Manifest.Image;
import io.varve.archive.Manifest.Membership;
import io.varve.archive.Manifest.SumsObject;
import io.varve.archive.ObjectKeys;
import io.varve.archive.store.MultipartUpload;
import io.varve.archive.store.ObjectKey;
import io.varve.archive.store.ObjectOutput;
import io.varve.archive.store.StoreException;
import io.varve.archive.store.StoredParts;
import io.varve.archive.sums.SumsWriter;
import io.varve.core.commit.ManifestRef;
import io.varve.core.drive.Anchor;
import io.varve.core.drive.SyncPointMark;
import io.varve.transfer.CopyControl;
import io.varve.transfer.CopyJob;
import io.varve.transfer.CopyOutcome;
import io.varve.transfer.CopyPlan;
import io.varve.transfer.CopyTotals;
import io.varve.transfer.source.ClusterSource;
import io.varve.transfer.target.UploadTarget;
import java.io.IOException;
import java.util.Optional;

/**
 * One attempt at one backup: the image and its checksums as streams, then the manifest that names them (I7). What fails
 * frees its uploads; objects that have appeared without a manifest are nobody's.
 */
final class ArchiveCopy {
    private final Workbench bench;
    private final CopyOrder order;
    private final Optional<Manifest> parent;

    ArchiveCopy(Workbench bench, CopyOrder order, Optional<Manifest> parent) {
        this.bench = bench;
        this.order = order;
        this.parent = parent;
    }

    /** How it ended. */
    sealed interface End {
        record Published(ManifestRef manifest, long storedBytes) implements End {}

        /** {@code store} tells what kind of failure the store met, if it was the store's. */
        record Failed(CopyOutcome.Side side, String reason, Optional<StoreException.Category> store) implements End {}

        record Cancelled() implements End {}
    }

    /** Copies. An {@link IOException} is the store's. */
    End run(ClusterSource source, CopyPlan plan, CopyControl control) throws IOException {
        CopyJob job = new CopyJob(order.name().drive().value(), CopyRules.geometry(order, parent), plan);
        ObjectKey key = ObjectKeys.data(order.name());
        ObjectOutput sumsObject = new ObjectOutput(bench.store(), ObjectKeys.sums(order.name()));
        try (SumsWriter sums = new SumsWriter(sumsObject, CopyRules.CLUSTER.bytes())) {
            MultipartUpload upload = bench.store().begin(key);
            UploadTarget target =
                    new UploadTarget(upload, "'" + key + "' in " + bench.store().describe());
            CopyOutcome outcome = copy(() -> bench.pipeline().toQcow2(job, source, target, sums::add, control), upload);
            return switch (outcome) {
                case CopyOutcome.Copied(CopyTotals totals, Optional<StoredParts> parts) ->
                    publish(totals, parts.orElseThrow(), sums);
                case CopyOutcome.Failed(CopyOutcome.Side side, String reason) ->
                    new End.Failed(side, reason, target.failure());
                case CopyOutcome.Cancelled() -> new End.Cancelled();
            };
        }
    }

    @FunctionalInterface
    private interface Copying {
        CopyOutcome run();
    }

    /** The pipeline frees the upload of whatever it can tell; this is for its bugs. */
    private static CopyOutcome copy(Copying copying, MultipartUpload upload) throws IOException {
        try {
            return copying.run();
        } catch (RuntimeException e) {
            upload.abort();
            throw e;
        }
    }

    private End publish(CopyTotals totals, StoredParts parts, SumsWriter sums) throws IOException {
        ObjectOutput.Written written = sums.finish();
        SyncPointMark mark = order.mark();
        long heldBytes = totals.clusters() * CopyRules.CLUSTER.bytes();
        Manifest manifest = new Manifest(
                order.name(),
                new Membership(mark.key().syncPoint(), mark.participants(), mark.completion()),
                order.parent().map(ArchiveCopy::ref),
                mark.kind().fullCause(),
                new Image(mark.sizeBytes(), CopyRules.CLUSTER.bytes()),
                CopyRules.proof(order.task().part()),
                new DataObject(ObjectKeys.data(order.name()), parts, heldBytes),
                new SumsObject(written.key(), written.lengthBytes(), written.sha256()),
                bench.clock().instant(),
                Optional.empty());
        return new End.Published(bench.manifests().publish(manifest), parts.lengthBytes());
    }

    private static ManifestRef ref(Anchor anchor) {
        return new ManifestRef(anchor.manifestKey(), anchor.manifestSha256());
    }
}
