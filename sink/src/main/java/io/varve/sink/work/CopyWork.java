package io.varve.sink.work;

import io.varve.archive.DamagedArchiveException;
import io.varve.archive.Manifest;
import io.varve.archive.store.StoreException;
import io.varve.core.bits.Marks;
import io.varve.core.commit.ManifestRef;
import io.varve.core.commit.Outcome;
import io.varve.core.commit.Outcome.Retry;
import io.varve.core.commit.Part;
import io.varve.core.commit.Task;
import io.varve.core.commit.Verdict;
import io.varve.core.drive.Anchor;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.Cut;
import io.varve.core.id.BitmapName;
import io.varve.sink.work.CopyRules.Checked;
import io.varve.transfer.CopyControl;
import io.varve.transfer.CopyPlan;
import io.varve.transfer.CopyProgress;
import io.varve.transfer.nbd.NoSuchExportException;
import io.varve.transfer.source.NbdClusterSource;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Copies one drive's cut into the archive. Thread: as {@link TaskWork}. */
final class CopyWork implements TaskWork {
    private static final Logger LOG = LoggerFactory.getLogger(CopyWork.class);
    private static final int PAUSE_DOUBLINGS_MAX = 6;
    private static final double MEGABYTE = 1e6;

    private final Task.Copy task;
    private final UUID attemptId;
    private final Workbench bench;
    private final CopyControl control;
    private volatile boolean cancelled;

    CopyWork(Task.Copy task, UUID attemptId, Workbench bench) {
        this.task = task;
        this.attemptId = attemptId;
        this.bench = bench;
        control = new CopyControl(bench.clock());
    }

    @Override
    public Optional<Answers> perform() throws InterruptedException {
        LOG.info(
                "{}: copy begins from export '{}'",
                what(),
                part().mark().export().name());
        Optional<Outcome> outcome = attempt();
        LOG.info("{}: {}", what(), outcome.map(this::told).orElse("given back"));
        if (outcome.orElse(null) instanceof Outcome.CopyFailed failed && failed.retry() == Retry.WORTHWHILE) {
            // The next attempt is sent as soon as this one is answered: an outage mustn't use all of them up at once.
            bench.stop().pause(pause());
            return cancelled ? Optional.empty() : outcome.map(Answers::of);
        }
        return outcome.map(this::answers);
    }

    /** A short copy had no time for a heartbeat; how much it was is told all the same. */
    private Answers answers(Outcome outcome) {
        return outcome instanceof Outcome.Copied
                ? new Answers(List.of(progress().orElseThrow(), outcome), List.of())
                : Answers.of(outcome);
    }

    private Duration pause() {
        return Duration.ofSeconds(1L << Math.clamp(task.attempt() - 1L, 0, PAUSE_DOUBLINGS_MAX));
    }

    private Optional<Outcome> attempt() {
        try {
            return answer();
        } catch (IOException e) {
            return cancelled ? Optional.empty() : Optional.of(failed(e));
        }
    }

    private Optional<Outcome> answer() throws IOException {
        return switch (CopyRules.check(task, attemptId)) {
            case Checked.Refused(String reason) -> pointless(reason);
            case Checked.Sound(CopyOrder order) -> {
                Optional<Verdict> decided = bench.decisions().find(task.unit());
                yield decided.isPresent()
                        ? Optional.of(new Outcome.Decided(task.unit(), part().drive(), decided.get()))
                        : undecided(order);
            }
        };
    }

    private Optional<Outcome> undecided(CopyOrder order) throws IOException {
        Optional<Outcome.Copied> own = bench.copies().of(part());
        if (own.isPresent() && isThere(own.get().manifest())) {
            Outcome.Copied copied = own.get();
            return Optional.of(new Outcome.Copied(
                    copied.unit(), copied.drive(), task.attempt(), copied.manifest(), copied.storedBytes()));
        }
        return withParent(order);
    }

    private boolean isThere(ManifestRef manifest) throws IOException {
        try {
            var _ = bench.manifests().read(manifest);
            return true;
        } catch (DamagedArchiveException e) {
            return false;
        }
    }

    private Optional<Outcome> withParent(CopyOrder order) throws IOException {
        if (order.parent().isEmpty()) {
            return withSource(order, Optional.empty());
        }
        Anchor anchor = order.parent().get();
        try {
            Manifest parent = bench.manifests().read(new ManifestRef(anchor.manifestKey(), anchor.manifestSha256()));
            Optional<String> objection = CopyRules.parentObjection(order, anchor, parent);
            return objection.isPresent() ? pointless(objection.get()) : withSource(order, Optional.of(parent));
        } catch (DamagedArchiveException e) {
            return pointless("nothing can be built on its parent: " + e.getMessage() + "; take a full backup");
        }
    }

    private Optional<Outcome> withSource(CopyOrder order, Optional<Manifest> parent) throws IOException {
        Optional<BitmapName> wanted = part().cut().isPresent()
                ? Optional.empty()
                : part().mark().cut().map(Cut::bitmap);
        try (NbdClusterSource source = NbdClusterSource.open(order.export(), wanted, bench.source())) {
            long expectedBytes = order.mark().sizeBytes();
            if (source.sizeBytes() != expectedBytes) {
                return pointless(
                        source.describe() + " has " + source.sizeBytes() + " bytes; expected " + expectedBytes);
            }
            return switch (plan(source)) {
                case Planned.Unfit(String reason) -> pointless(reason);
                case Planned.Fits(CopyPlan plan) -> copy(order, parent, source, plan);
            };
        } catch (NoSuchExportException e) {
            return pointless("the snapshot is gone: " + e.getMessage());
        }
    }

    private sealed interface Planned {
        record Fits(CopyPlan plan) implements Planned {}

        record Unfit(String reason) implements Planned {}
    }

    /** What is copied: for an increment the cut, from the task or from the export, with the marker's digest. */
    private Planned plan(NbdClusterSource source) throws IOException {
        return switch (part().mark().kind()) {
            case BackupKind.Full _ -> new Planned.Fits(new CopyPlan.Whole());
            case BackupKind.Incremental _ -> {
                Cut cut = part().mark().cut().orElseThrow();
                Optional<Marks> marks = part().cut().isPresent()
                        ? Optional.of(part().cut().get().unpack())
                        : source.dirty(cut.bitmap(), cut.granularity());
                if (marks.isEmpty()) {
                    yield new Planned.Unfit(source.describe() + " doesn't offer its bitmap '" + cut.bitmap()
                            + "', and the task has no cut");
                }
                Optional<String> objection = CopyRules.cutObjection(part().mark(), marks.get());
                yield objection.isPresent()
                        ? new Planned.Unfit(objection.get())
                        : new Planned.Fits(new CopyPlan.Cut(marks.get()));
            }
        };
    }

    private Optional<Outcome> copy(CopyOrder order, Optional<Manifest> parent, NbdClusterSource source, CopyPlan plan)
            throws IOException {
        ArchiveCopy copy = new ArchiveCopy(bench, order, parent);
        return switch (copy.run(source, plan, control)) {
            case ArchiveCopy.End.Cancelled() -> Optional.empty();
            case ArchiveCopy.End.Failed(var side, String reason, var store) ->
                Optional.of(CopyRules.failed(
                        task,
                        reason,
                        switch (side) {
                            case SOURCE -> CopyRules.afterServer(source.serverError());
                            case TARGET -> CopyRules.afterStore(store);
                        }));
            case ArchiveCopy.End.Published(ManifestRef manifest, long storedBytes) -> {
                Outcome.Copied copied =
                        new Outcome.Copied(task.unit(), part().drive(), task.attempt(), manifest, storedBytes);
                bench.copies().done(copied);
                yield Optional.of(copied);
            }
        };
    }

    private Optional<Outcome> pointless(String reason) {
        return Optional.of(CopyRules.failed(task, reason, Retry.POINTLESS));
    }

    private Outcome failed(IOException e) {
        String reason = Optional.ofNullable(e.getMessage()).orElseGet(e::toString);
        Optional<StoreException.Category> store =
                e instanceof StoreException stores ? Optional.of(stores.category()) : Optional.empty();
        return CopyRules.failed(task, reason, CopyRules.afterStore(store));
    }

    private Part part() {
        return task.part();
    }

    private String what() {
        return "drive " + part().drive() + ", sync point " + part().mark().key().syncPoint() + ", attempt "
                + task.attempt();
    }

    private String told(Outcome outcome) {
        CopyProgress progress = control.progress();
        String speed = String.format(
                Locale.ROOT,
                "%d of %d bytes read, %.1f MB/s",
                progress.copiedBytes(),
                progress.totalBytes(),
                progress.bytesPerSecond() / MEGABYTE);
        return switch (outcome) {
            case Outcome.Copied copied -> "copied, " + copied.storedBytes() + " bytes stored, " + speed;
            case Outcome.CopyFailed failed ->
                "failed, " + speed + ", another attempt is " + failed.retry() + ": " + failed.reason();
            case Outcome.Decided decided -> "not copied, its unit is decided: " + decided.verdict();
            case Outcome.Progress _, Outcome.AbortRequested _, Outcome.RepublicationRequested _ -> outcome.toString();
        };
    }

    @Override
    public void cancel() {
        cancelled = true;
        control.cancel();
    }

    @Override
    public Optional<Outcome.Progress> progress() {
        CopyProgress now = control.progress();
        return Optional.of(
                new Outcome.Progress(task.unit(), part().drive(), task.attempt(), now.copiedBytes(), now.totalBytes()));
    }
}
