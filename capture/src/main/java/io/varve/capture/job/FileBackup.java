package io.varve.capture.job;

import io.varve.capture.tracking.StartedBackup;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.BitmapMode;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.id.DriveId;
import io.varve.core.job.ErrorAction;
import io.varve.core.job.JobError;
import io.varve.core.job.Operation;
import io.varve.transfer.CopyControl;
import io.varve.transfer.CopyOutcome;
import io.varve.transfer.CopyPlan;
import io.varve.transfer.CopyProgress;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Copies a point in time of a drive to a file or a node.
 *
 * <p>The copying thread, which is interrupted to end it, never touches the agent or a drive's image. Once all is stored
 * it says so, and waits for the word that the target may appear.
 *
 * <p>Thread: guarded by the lock of {@link Jobs}, but for the copying thread.
 */
final class FileBackup implements Backup {
    private static final Logger LOG = LoggerFactory.getLogger(FileBackup.class);

    private final JobsMeans means;
    private final DriveId drive;
    private final StartingBackup starting;
    private final CopyBrake brake;
    private final ErrorDesk errors = new ErrorDesk();
    private final CompletableFuture<Void> mayAppear = new CompletableFuture<>();
    private final CopyControl control;
    private Optional<StartedBackup> taken = Optional.empty();
    private Optional<JobPort> port = Optional.empty();
    private Optional<Thread> copier = Optional.empty();
    private Optional<CopyRest> rest = Optional.empty();
    private boolean released;

    /** Set by the copying thread, and read by it alone. */
    private boolean stored;

    FileBackup(JobsMeans means, StartingBackup starting) {
        this.means = means;
        this.drive = starting.drive();
        this.starting = starting;
        JobTerms.Perf perf = starting.terms().perf();
        long chunkBytesMax = perf.chunkBytesMax() == 0 ? Long.MAX_VALUE : perf.chunkBytesMax();
        brake = new CopyBrake(means.agent().surroundings().nanos(), chunkBytesMax);
        control = new CopyControl(means.clock(), this::stored, brake);
    }

    @Override
    public DriveId drive() {
        return drive;
    }

    @Override
    public void taken(StartedBackup backup) {
        taken = Optional.of(backup);
        starting.filter().begin();
        boolean leavesRest = backup.mark()
                .cut()
                .filter(cut -> cut.mode() == BitmapMode.ALWAYS)
                .isPresent();
        if (leavesRest) {
            int clusterBytes = starting.target().geometry().clusterSize().bytes();
            rest = backup.cut().map(cut -> new CopyRest(cut, new Granularity(clusterBytes)));
            rest.ifPresent(left -> brake.keep(left.copied()));
        }
    }

    @Override
    public SyncPointMark mark() {
        return backup().mark();
    }

    private StartedBackup backup() {
        return taken.orElseThrow();
    }

    /** Where the speed is limited, how much there is to do is told with the first part: clients see no job at rest. */
    @Override
    public JobProgress progress() {
        CopyProgress progress = control.progress();
        if (progress.copiedBytes() == 0 && brake.isLimited()) {
            return new JobProgress(0, 0);
        }
        return progress.totalBytes() > 0
                ? new JobProgress(progress.copiedBytes(), progress.totalBytes())
                : new JobProgress(0, taken.map(StartingBackup::expectedBytes).orElse(0L));
    }

    @Override
    public Optional<JobFilter> filter() {
        CopyProgress progress = control.progress();
        long totalBytes = progress.totalBytes() > 0
                ? progress.totalBytes()
                : taken.map(StartingBackup::expectedBytes).orElse(0L);
        return starting.filter().shown(totalBytes - progress.copiedBytes());
    }

    @Override
    public boolean isBusy() {
        return !brake.isThrottled();
    }

    @Override
    public Optional<Thread> thread() {
        return copier;
    }

    @Override
    public void start(JobPort to) {
        port = Optional.of(to);
        errors.open(to);
        copier = Optional.of(
                Thread.ofPlatform().daemon().name("varve-job-" + starting.id()).start(() -> copy(to, backup())));
    }

    @Override
    public void pause() {
        brake.pause();
    }

    @Override
    public void resume() {
        brake.resume();
    }

    @Override
    public void stop() {
        errors.end();
        brake.end();
        starting.target().stopWaiting();
        control.cancel();
    }

    @Override
    public void limit(long bytesPerSecond) {
        brake.limit(bytesPerSecond);
    }

    @Override
    public void act(ErrorAction action) {
        errors.answer(action);
    }

    @Override
    public Optional<JobError> objection() {
        return starting.target().objection().map(why -> JobError.io(false, why));
    }

    @Override
    public void prepare() {
        mayAppear.complete(null);
    }

    @Override
    public void giveUp() {
        stop();
    }

    @Override
    public Optional<JobError> conclude(Conclusion conclusion) {
        try {
            Optional<Marks> uncopied = rest.flatMap(CopyRest::uncopied);
            if (uncopied.isPresent()) {
                means.agent().conclude(drive, key(), conclusion, uncopied.get());
            } else {
                means.agent().conclude(drive, key(), conclusion);
            }
            return Optional.empty();
        } catch (IOException e) {
            LOG.error("job {}: its end couldn't be written down", starting.id(), e);
            return Optional.of(JobError.io(
                    false,
                    "drive '" + drive + "': the end of its backup couldn't be written to the journal, so its bits are "
                            + "kept: " + e.getMessage()));
        }
    }

    @Override
    public void release() {
        if (!released) {
            released = true;
            starting.release(copier.isPresent());
        }
    }

    /** On the copying thread: all is there but for its appearance. */
    private void stored() throws InterruptedException {
        stored = true;
        port.orElseThrow().ended(Optional.empty());
        try {
            mayAppear.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException("nothing completes it so", e);
        }
    }

    /** On the copying thread. */
    private void copy(JobPort to, StartedBackup backup) {
        CopyOutcome outcome;
        Retrying retrying = new Retrying(brake, errors);
        try (SnapshotSource source = new SnapshotSource(
                backup.snapshot(), retrying, starting.terms().perf().workersMax())) {
            CopyPlan plan = plan(backup);
            rest.ifPresent(left -> left.plan(plan));
            OpenedTarget.What what = new OpenedTarget.What(drive.value(), plan);
            outcome = starting.target().copy(means.pipeline(), what, source, control, retrying);
        } catch (IOException e) {
            outcome = new CopyOutcome.Failed(CopyOutcome.Side.SOURCE, String.valueOf(e.getMessage()));
        } catch (RuntimeException e) {
            LOG.error("job {}: its copy ended because of a bug", starting.id(), e);
            outcome = new CopyOutcome.Failed(CopyOutcome.Side.TARGET, "the copy ended because of a bug: " + e);
        }
        if (starting.target().keepsCopied()) {
            rest.ifPresent(CopyRest::settle);
        }
        ended(to, outcome);
    }

    private void ended(JobPort to, CopyOutcome outcome) {
        if (!(outcome instanceof CopyOutcome.Copied)) {
            starting.target().leaveEmpty();
        }
        Optional<JobError> error = switch (outcome) {
            case CopyOutcome.Copied _ -> Optional.empty();
            case CopyOutcome.Cancelled _ -> Optional.of(JobError.cancelled());
            case CopyOutcome.Failed(CopyOutcome.Side side, String reason) -> {
                JobError why = JobError.io(reason.contains("No space left on device"), reason);
                tell(to, side == CopyOutcome.Side.SOURCE ? Operation.READ : Operation.WRITE);
                yield Optional.of(why);
            }
        };
        if (stored) {
            to.prepared(error);
        } else {
            to.ended(error);
        }
    }

    /** Clients are told of an error that no request met, too, where that doesn't stop the job: it's past that. */
    private void tell(JobPort to, Operation operation) {
        boolean isForReport = starting.terms().errors().of(operation).action(false) == ErrorAction.REPORT;
        if (isForReport && !errors.hasReported() && !stored) {
            to.errorMet(operation, false);
        }
    }

    private CopyPlan plan(StartedBackup backup) throws IOException {
        Optional<Marks> cut = backup.cut();
        if (backup.mark().kind() instanceof BackupKind.Incremental && cut.isPresent()) {
            return new CopyPlan.Cut(cut.get());
        }
        return starting.isOfTop() ? TopLayer.plan(starting.source()) : new CopyPlan.Whole();
    }
}
