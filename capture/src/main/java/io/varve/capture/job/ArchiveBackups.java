package io.varve.capture.job;

import io.varve.capture.node.Device;
import io.varve.capture.node.NodeGraph;
import io.varve.capture.tracking.Agent;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapMode;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Doubt;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.FullCause;
import io.varve.core.drive.Recording;
import io.varve.core.drive.Trust;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;
import io.varve.core.transaction.Action;
import io.varve.core.transaction.SyncMode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;

/**
 * Backups to the archive with a bitmap that's kept for them: an increment where the bitmap's anchor allows it, else a
 * full one, with the reason.
 *
 * <p>Thread: as {@link Jobs}.
 */
public final class ArchiveBackups {
    private final Agent agent;
    private final Jobs jobs;
    private final NodeGraph graph;

    public ArchiveBackups(Agent agent, Jobs jobs, NodeGraph graph) {
        this.agent = agent;
        this.jobs = jobs;
        this.graph = graph;
    }

    /**
     * What to back up.
     *
     * @param drives all when empty
     * @param bitmap is made where it's missing
     * @param wanted of each drive
     */
    public record Request(List<String> drives, String bitmap, Wanted wanted, Completion completion) {
        public Request {
            drives = List.copyOf(drives);
        }
    }

    /** What kind of backup is wanted. */
    public enum Wanted {
        /** An increment where one is possible, else a full one. */
        ANY,
        /** A full one, whatever the bitmap says. */
        FULL,
        /** An increment, or nothing. */
        INCREMENT
    }

    /** What became of it. */
    public sealed interface Answer {
        record Started(SyncPointId syncPoint, List<Part> parts) implements Answer {
            public Started {
                parts = List.copyOf(parts);
            }
        }

        /** Nothing runs; the bitmap may have been made. */
        record Refused(String description) implements Answer {}
    }

    /**
     * One drive's part.
     *
     * @param fullBecause of a full backup that nobody asked for
     */
    public record Part(DriveId drive, String jobId, SyncMode sync, Optional<FullBecause> fullBecause) {}

    /** Why a backup is a full one: {@code cause} for machines, {@code reason} for people. */
    public record FullBecause(FullCause cause, String reason) {}

    /** What the bitmap needs before the backup, and why the backup must be a full one. */
    private record Choice(DriveId drive, List<Action> before, boolean anew, Optional<Reason> fullBecause) {}

    /** How it is while nothing was done about it, and as it's told of the full backup that was. */
    private record Reason(FullCause cause, String now, String told) {
        FullBecause because() {
            return new FullBecause(cause, told);
        }
    }

    public Answer start(Request request) {
        List<Choice> choices = new ArrayList<>();
        List<String> wanted = request.drives().isEmpty()
                ? graph.devices().stream().map(Device::id).toList()
                : request.drives();
        if (wanted.isEmpty() || new HashSet<>(wanted).size() < wanted.size()) {
            return new Answer.Refused(
                    wanted.isEmpty()
                            ? "the agent has no drives"
                            : "a drive is named twice: " + String.join(", ", wanted));
        }
        for (String name : wanted) {
            switch (NamedDrive.find(agent, graph, name)) {
                case NamedDrive.Refused(String why) -> {
                    return new Answer.Refused(why);
                }
                case NamedDrive.Found(DriveState state) -> choices.add(choice(state, request.bitmap()));
            }
        }
        Optional<String> impossible = request.wanted() == Wanted.INCREMENT ? impossible(choices) : Optional.empty();
        if (impossible.isPresent()) {
            return new Answer.Refused(impossible.get());
        }
        return prepare(choices, request.bitmap())
                .<Answer>map(Answer.Refused::new)
                .orElseGet(() -> backUp(choices, request));
    }

    private static Optional<String> impossible(List<Choice> choices) {
        return choices.stream()
                .flatMap(choice -> choice.fullBecause().stream()
                        .map(reason -> "drive '" + choice.drive() + "' can't be backed up by an increment: "
                                + reason.now() + " (" + reason.cause().label()
                                + "); where the archive has a sync point of it, 'varve reconcile "
                                + choice.drive() + "' makes one possible, else take a full backup"))
                .findFirst();
    }

    /**
     * Readies the bitmaps, in transactions of their own since a grouped one has only backups. No write is missed: the
     * full backup that follows takes the bitmap's bits so far as its cut.
     */
    private Optional<String> prepare(List<Choice> choices, String bitmap) {
        List<JobAction> removals = new ArrayList<>();
        List<JobAction> others = new ArrayList<>();
        for (Choice choice : choices) {
            if (choice.anew()) {
                removals.add(new JobAction.Plain(
                        new Action.RemoveBitmap(choice.drive().value(), bitmap)));
            }
            choice.before().forEach(action -> others.add(new JobAction.Plain(action)));
        }
        for (List<JobAction> actions : List.of(removals, others)) {
            if (jobs.transact(actions, Completion.INDIVIDUAL) instanceof JobsAnswer.Refused(String why)) {
                return Optional.of(why);
            }
        }
        return Optional.empty();
    }

    private Answer backUp(List<Choice> choices, Request request) {
        List<JobAction> backups = new ArrayList<>();
        List<Part> parts = new ArrayList<>();
        for (Choice choice : choices) {
            String drive = choice.drive().value();
            boolean isAsked = request.wanted() == Wanted.FULL;
            boolean isFull = isAsked || choice.fullBecause().isPresent();
            SyncMode sync = isFull ? SyncMode.FULL : SyncMode.INCREMENTAL;
            Optional<FullBecause> because =
                    isAsked ? Optional.empty() : choice.fullBecause().map(Reason::because);
            Action.Backup action = new Action.Backup(
                    drive,
                    sync,
                    Optional.of(request.bitmap()),
                    Optional.of(BitmapMode.ON_SUCCESS),
                    BackupTarget.ARCHIVE,
                    because.map(FullBecause::cause));
            backups.add(new JobAction.Backup(action, Optional.empty(), new JobAction.Target.Archive()));
            parts.add(new Part(choice.drive(), drive, sync, because));
        }
        return switch (jobs.transact(backups, request.completion())) {
            case JobsAnswer.Refused(String why) -> new Answer.Refused(why);
            case JobsAnswer.Done done -> new Answer.Started(done.syncPoint(), named(parts, done.jobs()));
        };
    }

    /** A job is named by its device, which may have another log by now than one of its own name. */
    private static List<Part> named(List<Part> parts, List<JobInfo> jobs) {
        List<Part> named = new ArrayList<>();
        for (int index = 0; index < parts.size(); index++) {
            Part part = parts.get(index);
            named.add(new Part(part.drive(), jobs.get(index).id(), part.sync(), part.fullBecause()));
        }
        return named;
    }

    private Choice choice(DriveState state, String name) {
        DriveId drive = state.drive();
        Optional<Bitmap> found = BitmapName.isValid(name) ? state.bitmap(new BitmapName(name)) : Optional.empty();
        if (found.isEmpty()) {
            Reason missing = new Reason(
                    FullCause.BITMAP_NEW, "there's no bitmap '" + name + "'", "bitmap '" + name + "' is new");
            return full(drive, List.of(add(drive, name)), missing);
        }
        Bitmap bitmap = found.get();
        if (bitmap.status() instanceof BitmapStatus.Inconsistent(Doubt doubt)) {
            Reason because = new Reason(
                    doubt.cause(),
                    "bitmap '" + name + "' is inconsistent: " + doubt.reason(),
                    "bitmap '" + name + "' was made anew, since it was inconsistent: " + doubt.reason());
            return new Choice(drive, List.of(add(drive, name)), true, Optional.of(because));
        }
        if (!bitmap.isRecording()) {
            Action enable = new Action.EnableBitmap(drive.value(), name);
            Reason because = new Reason(
                    FullCause.NOT_RECORDING,
                    "bitmap '" + name + "' doesn't record writes",
                    "bitmap '" + name + "' didn't record writes, and does so again");
            return full(drive, List.of(enable), because);
        }
        if (state.trust() instanceof Trust.Suspect(String reason)) {
            String because = "the drive is suspect: " + reason;
            return full(drive, List.of(), new Reason(FullCause.DRIVE_SUSPECT, because, because));
        }
        if (bitmap.anchor().isEmpty()) {
            String because = "bitmap '" + name + "' has no anchor: no backup to the archive is committed "
                    + "since which it holds every write";
            return full(drive, List.of(), new Reason(FullCause.NO_ANCHOR, because, because));
        }
        return new Choice(drive, List.of(), false, Optional.empty());
    }

    private static Choice full(DriveId drive, List<Action> before, Reason because) {
        return new Choice(drive, before, false, Optional.of(because));
    }

    private static Action add(DriveId drive, String name) {
        return new Action.AddBitmap(drive.value(), name, Optional.empty(), true, Recording.ENABLED);
    }
}
