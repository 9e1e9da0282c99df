package io.varve.transfer;

import io.varve.core.bits.Marks;
import io.varve.formats.qcow2.ClusterSize;
import io.varve.transfer.CopyOutcome.Cancelled;
import io.varve.transfer.CopyOutcome.Copied;
import io.varve.transfer.CopyOutcome.Failed;
import io.varve.transfer.CopyOutcome.Side;
import io.varve.transfer.source.ClusterSource;
import io.varve.transfer.target.ImageTarget;
import io.varve.transfer.target.ImageWriter;
import io.varve.transfer.target.PartPlan;
import io.varve.transfer.target.Qcow2Writer;
import io.varve.transfer.target.RawWriter;
import java.io.IOException;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Copies a point in time of a drive to an image.
 *
 * <pre>
 * source → many reads in flight → zeros found, checksums made, by several threads → (in order) image layout
 *        → parts, several on their way → target; part 1, with the header, last
 * </pre>
 *
 * <p>Memory is bounded by the {@link CopyBudget}, whatever the drive's size; besides, the image's L1 table is kept (8
 * bytes for 512 MiB of a drive with clusters of 64 KiB), and a bit for each cluster of a cut whose marks aren't of the
 * image's cluster size.
 *
 * <p>Zeros: an image that shows something else where it has no cluster keeps them as zero clusters. So does one of a
 * cut, since an increment lies on another image sooner or later. Else they are left out.
 *
 * <p>Safe for any thread; a copy runs on the calling thread, and ends with its target completed or aborted.
 */
public final class CopyPipeline {
    private static final Logger LOG = LoggerFactory.getLogger(CopyPipeline.class);

    private final CopyBudget budget;

    public CopyPipeline(CopyBudget budget) {
        this.budget = budget;
    }

    /** Copies to a qcow2 image. The outcome has its parts' digests. */
    public CopyOutcome toQcow2(
            CopyJob job, ClusterSource source, ImageTarget target, SumsListener sums, CopyControl control) {
        try {
            check(job, source);
            long imageBytes = ImageBound.bytes(job, source, target.partsMax());
            return switch (PartPlan.of(imageBytes, target.partsMax(), budget.partBytes())) {
                case PartPlan.Answer.TooLarge(String reason) -> refuse(job, Side.TARGET, reason, target::abort);
                case PartPlan.Answer.Fits(PartPlan plan) -> {
                    Qcow2Writer writer = new Qcow2Writer(job.geometry(), target, plan);
                    yield run(job, source, new Copy(job, zeros(job), writer, sums), control);
                }
            };
        } catch (IOException e) {
            return refuse(job, Side.SOURCE, message(e), target::abort);
        }
    }

    /** Copies to a raw file. The sums' host offsets are those in the drive. */
    public CopyOutcome toRaw(
            CopyJob job, ClusterSource source, RawWriter writer, SumsListener sums, CopyControl control) {
        try {
            check(job, source);
        } catch (IOException e) {
            return refuse(job, Side.SOURCE, message(e), writer::abort);
        }
        Copy.Zeros zeros = writer.isExisting() ? Copy.Zeros.KEPT : Copy.Zeros.LEFT_OUT;
        return run(job, source, new Copy(job, zeros, writer, sums), control);
    }

    /** Copies into something that may hold other data already. The sums' host offsets are those in the drive. */
    public CopyOutcome into(
            CopyJob job, ClusterSource source, ImageWriter writer, SumsListener sums, CopyControl control) {
        try {
            check(job, source);
        } catch (IOException e) {
            return refuse(job, Side.SOURCE, message(e), writer::abort);
        }
        return run(job, source, new Copy(job, Copy.Zeros.KEPT, writer, sums), control);
    }

    private static Copy.Zeros zeros(CopyJob job) {
        return switch (job.plan()) {
            case CopyPlan.Cut _ -> Copy.Zeros.KEPT;
            case CopyPlan.Whole _ -> job.geometry().backing().isPresent() ? Copy.Zeros.KEPT : Copy.Zeros.LEFT_OUT;
        };
    }

    private static void check(CopyJob job, ClusterSource source) throws IOException {
        long expectedBytes = job.geometry().sizeBytes();
        if (source.sizeBytes() != expectedBytes) {
            throw new IOException(
                    source.describe() + " has " + source.sizeBytes() + " bytes; expected the image's " + expectedBytes);
        }
        if (job.plan() instanceof CopyPlan.Cut(Marks marks) && marks.sizeBytes() != expectedBytes) {
            throw new IOException(
                    "the cut is of a drive of " + marks.sizeBytes() + " bytes; expected the image's " + expectedBytes);
        }
    }

    private CopyOutcome run(CopyJob job, ClusterSource source, Copy copy, CopyControl control) {
        ClusterSize clusterSize = job.geometry().clusterSize();
        PlannedClusters planned = PlannedClusters.of(job.plan(), job.geometry());
        ZeroClusters zeros = new ZeroClusters(source, clusterSize);
        long chunkClusters = Math.max(1, control.pace().chunkBytesMax() >> clusterSize.shift());
        CopySteps steps = new CopySteps(planned, zeros, Math.min(chunkClusters, ReadAhead.readClusters(clusterSize)));
        CopyOutcome outcome = new Cancelled();
        try (ReadAhead ahead = new ReadAhead(source, clusterSize, budget.readBytes())) {
            control.begin(planned.bytes(clusterSize, source.sizeBytes()));
            copy.run(steps, ahead, control);
            copy.writer().finish();
            control.awaitAppearance();
            control.seal();
            outcome = new Copied(copy.totals(), copy.writer().complete());
        } catch (ReadFailedException e) {
            outcome = failed(job, Side.SOURCE, message(e));
        } catch (IOException e) {
            String reason = "can't write to " + copy.writer().describe() + ": " + message(e);
            outcome = failed(job, Side.TARGET, reason);
        } catch (InterruptedException e) {
            LOG.debug("copy of drive {} was interrupted", job.drive(), e);
            Thread.currentThread().interrupt();
        } finally {
            outcome = conclude(job, copy.writer(), control, outcome);
        }
        return outcome;
    }

    /** Aborts what wasn't copied. Whatever came of an interrupted copy, it was cancelled. */
    private static CopyOutcome conclude(CopyJob job, ImageWriter writer, CopyControl control, CopyOutcome outcome) {
        if (outcome instanceof Copied) {
            control.end();
            return outcome;
        }
        boolean isCancelled = control.end();
        // The target is cleaned up by a thread that isn't interrupted: its channels would close.
        boolean isInterrupted = Thread.interrupted();
        abort(job, writer::abort);
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
        return isCancelled || isInterrupted ? new Cancelled() : outcome;
    }

    /** What {@link ImageTarget#abort} and {@link ImageWriter#abort} have in common. */
    @FunctionalInterface
    private interface Abort {
        void run() throws IOException;
    }

    private static CopyOutcome refuse(CopyJob job, Side side, String reason, Abort abort) {
        abort(job, abort);
        return failed(job, side, reason);
    }

    private static Failed failed(CopyJob job, Side side, String reason) {
        return new Failed(side, "drive " + job.drive() + ": " + reason);
    }

    private static void abort(CopyJob job, Abort abort) {
        try {
            abort.run();
        } catch (IOException e) {
            LOG.warn("drive {}: the rest of a copy that ended early couldn't be removed: {}", job.drive(), message(e));
        }
    }

    private static String message(IOException e) {
        return Optional.ofNullable(e.getMessage()).orElseGet(e::toString);
    }
}
