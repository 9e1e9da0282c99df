package io.varve.sink.work;

import io.varve.archive.BackupName;
import io.varve.archive.Manifest;
import io.varve.archive.Manifest.CutProof;
import io.varve.archive.Manifest.Dirt;
import io.varve.archive.Manifest.Generations;
import io.varve.archive.Manifests;
import io.varve.archive.ObjectKeys;
import io.varve.archive.store.ObjectKey;
import io.varve.archive.store.StoreException;
import io.varve.core.bits.Digest;
import io.varve.core.bits.Marks;
import io.varve.core.commit.Outcome;
import io.varve.core.commit.Outcome.Retry;
import io.varve.core.commit.Part;
import io.varve.core.commit.Task;
import io.varve.core.drive.Anchor;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Cut;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.id.SyncPointId;
import io.varve.formats.nbd.NbdAddress;
import io.varve.formats.nbd.NbdError;
import io.varve.formats.nbd.NbdUri;
import io.varve.formats.qcow2.Backing;
import io.varve.formats.qcow2.ClusterSize;
import io.varve.formats.qcow2.ImageGeometry;
import java.util.Optional;
import java.util.UUID;

/** What is done about a copy task, by what was found: pure, the shell is {@link CopyWork}. */
final class CopyRules {
    static final ClusterSize CLUSTER = ClusterSize.DEFAULT;
    private static final String QCOW2 = "qcow2";

    private CopyRules() {}

    /** A task, looked at before anything is asked. */
    sealed interface Checked {
        record Sound(CopyOrder order) implements Checked {}

        /** No attempt can do it. */
        record Refused(String reason) implements Checked {}
    }

    static Checked check(Task.Copy task, UUID attemptId) {
        Part part = task.part();
        SyncPointMark mark = part.mark();
        if (mark.target() != BackupTarget.ARCHIVE) {
            return new Checked.Refused("the backup's target is " + mark.target() + "; a sink expects ARCHIVE");
        }
        Optional<Anchor> parent = parent(mark.kind());
        boolean isFull = mark.kind() instanceof BackupKind.Full;
        if (!isFull && (parent.isEmpty() || mark.cut().isEmpty())) {
            return new Checked.Refused("an increment " + (parent.isEmpty() ? "without a parent" : "without a cut")
                    + " can't be archived; take a full backup");
        }
        if (parent.isPresent() && !ObjectKey.isValid(parent.get().manifestKey())) {
            return new Checked.Refused("the parent's manifest '" + parent.get().manifestKey() + "' is no object's key");
        }
        int sequence = parent.map(anchor -> anchor.sequence() + 1).orElse(0);
        if (sequence >= Manifests.MAX_CHAIN) {
            return new Checked.Refused("the chain has " + sequence + " backups; at most " + Manifests.MAX_CHAIN
                    + " are possible: take a full backup");
        }
        Optional<String> objection = ImageGeometry.objection(mark.sizeBytes(), CLUSTER, Optional.empty());
        if (objection.isPresent()) {
            return new Checked.Refused(objection.get());
        }
        SyncPointId chain = parent.map(Anchor::chain).orElse(mark.key().syncPoint());
        try {
            NbdUri export = new NbdUri(
                    NbdAddress.parse(mark.export().address()), mark.export().name());
            BackupName name = new BackupName(part.drive(), chain, sequence, attemptId);
            return new Checked.Sound(new CopyOrder(task, export, name, parent));
        } catch (IllegalArgumentException e) {
            return new Checked.Refused(String.valueOf(e.getMessage()));
        }
    }

    private static Optional<Anchor> parent(BackupKind kind) {
        return switch (kind) {
            case BackupKind.Full _ -> Optional.empty();
            case BackupKind.Incremental(Optional<Anchor> anchor) -> anchor;
        };
    }

    /**
     * Why {@code found}, which the anchor's digest vouches for, can't be the parent of this backup; empty when it can.
     */
    static Optional<String> parentObjection(CopyOrder order, Anchor anchor, Manifest found) {
        BackupName name = found.name();
        boolean fits = name.drive().equals(order.name().drive())
                && name.chain().equals(anchor.chain())
                && name.sequence() == anchor.sequence()
                && found.membership().syncPoint().equals(anchor.syncPoint());
        return fits
                ? Optional.empty()
                : Optional.of("'" + anchor.manifestKey() + "' is backup " + name.sequence() + " of chain "
                        + name.chain() + " of drive " + name.drive() + " at sync point "
                        + found.membership().syncPoint() + "; expected backup " + anchor.sequence() + " of chain "
                        + anchor.chain() + " of drive " + order.name().drive() + " at sync point "
                        + anchor.syncPoint());
    }

    /** The image to write; an increment names its parent's file in the same folder. */
    static ImageGeometry geometry(CopyOrder order, Optional<Manifest> parent) {
        Optional<Backing> backing = parent.map(manifest -> {
            String key = ObjectKeys.data(manifest.name()).value();
            return new Backing(key.substring(key.lastIndexOf('/') + 1), QCOW2);
        });
        return new ImageGeometry(order.mark().sizeBytes(), CLUSTER, backing);
    }

    /** Why marks aren't what the sync point's marker promises; empty when they are. */
    // I4
    static Optional<String> cutObjection(SyncPointMark mark, Marks found) {
        Cut cut = mark.cut().orElseThrow();
        if (found.sizeBytes() != mark.sizeBytes()) {
            return Optional.of(
                    "the cut is of a drive of " + found.sizeBytes() + " bytes; expected " + mark.sizeBytes());
        }
        if (!found.granularity().equals(cut.granularity())) {
            return Optional.of("the cut has granules of " + found.granularity().bytes() + " bytes; expected "
                    + cut.granularity().bytes());
        }
        Digest digest = found.digest();
        return digest.equals(cut.digest())
                ? Optional.empty()
                : Optional.of("the cut of bitmap '" + cut.bitmap() + "' has digest " + digest.hex() + "; expected "
                        + cut.digest().hex());
    }

    /** Whether another attempt can help after the snapshot couldn't be read; empty when its server told no error. */
    static Retry afterServer(Optional<NbdError> serverError) {
        return serverError.filter(CopyRules::isFinal).isPresent() ? Retry.POINTLESS : Retry.WORTHWHILE;
    }

    /**
     * Whether another attempt can help after a failure of the archive. A store that denies is one whose owner has to do
     * something first: the guest's fleece shouldn't grow meanwhile.
     */
    static Retry afterStore(Optional<StoreException.Category> failure) {
        return failure.filter(CopyRules::isFinal).isPresent() ? Retry.POINTLESS : Retry.WORTHWHILE;
    }

    private static boolean isFinal(StoreException.Category failure) {
        return switch (failure) {
            case DENIED, NO_BUCKET -> true;
            case MISSING, TOO_LARGE, UNAVAILABLE, REFUSED -> false;
        };
    }

    /** A snapshot that answers so is broken or removed; it never gets better. */
    private static boolean isFinal(NbdError error) {
        return switch (error) {
            case EPERM, EIO, EINVAL, ENOTSUP, ESHUTDOWN -> true;
            case ENOMEM, ENOSPC, EOVERFLOW -> false;
        };
    }

    static Outcome.CopyFailed failed(Task.Copy task, String reason, Retry retry) {
        return new Outcome.CopyFailed(task.unit(), task.part().drive(), task.attempt(), reason, retry);
    }

    /** What the manifest tells of the cut. */
    static Optional<CutProof> proof(Part part) {
        return part.mark()
                .cut()
                .map(cut -> new CutProof(
                        cut.bitmap(),
                        new Generations(part.journal(), cut.generations()),
                        new Dirt(cut.granularity(), cut.dirtyBytes(), cut.digest())));
    }
}
