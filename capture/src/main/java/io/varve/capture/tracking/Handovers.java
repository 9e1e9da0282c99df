package io.varve.capture.tracking;

import io.varve.capture.journal.DurableFiles;
import io.varve.capture.journal.Journal;
import io.varve.core.bits.Marks;
import io.varve.core.drive.DriveState;
import io.varve.core.event.LogRecord;
import io.varve.core.handover.Incoming;
import io.varve.core.handover.Release;
import io.varve.core.handover.Takeover;
import io.varve.core.handover.TargetSide;
import io.varve.core.id.DriveId;
import io.varve.core.id.IncarnationId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.Lock;

/**
 * How an agent's drives go to other agents, and come from them: what's durable of it. See
 * {@link io.varve.core.handover}.
 *
 * <p>Thread: safe for any thread.
 */
public final class Handovers {
    private final Lock control;
    private final Map<DriveId, AttachedDrive> drives;
    private final AgentMeans means;
    private final Runnable changed;

    Handovers(Lock control, Map<DriveId, AttachedDrive> drives, AgentMeans means, Runnable changed) {
        this.control = control;
        this.drives = drives;
        this.means = means;
        this.changed = changed;
    }

    private interface Task<T> {
        T run() throws IOException;
    }

    private <T> T locked(Task<T> task) throws IOException {
        control.lock();
        try {
            return task.run();
        } finally {
            control.unlock();
        }
    }

    private Path directory(DriveId drive) {
        return means.options().stateDirectory().resolve(drive.value());
    }

    private AttachedDrive attached(DriveId drive) throws IOException {
        AttachedDrive attached = drives.get(drive);
        if (attached == null) {
            throw new IOException("drive '" + drive + "' isn't attached");
        }
        return attached;
    }

    /**
     * Has the drive's next detach hand it over.
     *
     * @param to whom, for people to read
     * @throws IOException in one sentence, when it can't be handed over now: it's served as before then
     */
    public void announce(DriveId drive, String to) throws IOException {
        Object _ = locked(() -> {
            AttachedDrive attached = attached(drive);
            Optional<String> objection = Release.objection(attached.state()).or(() -> lostWrites(attached));
            if (objection.isPresent()) {
                throw new IOException(objection.get());
            }
            attached.handOverTo(Optional.of(to));
            return attached;
        });
    }

    /** The drive's next detach is an ordinary one. */
    public void renounce(DriveId drive) {
        control.lock();
        try {
            Optional.ofNullable(drives.get(drive)).ifPresent(attached -> attached.handOverTo(Optional.empty()));
        } finally {
            control.unlock();
        }
    }

    /** Whether the drive was handed over, and didn't come back; its image isn't this agent's to open then. */
    public boolean isElsewhere(DriveId drive) throws IOException {
        return locked(() -> {
            Optional<ReleasedDrive> released = find(drive);
            if (released.isPresent()) {
                released.get().close();
            }
            return released.isPresent();
        });
    }

    private Optional<ReleasedDrive> find(DriveId drive) throws IOException {
        return drives.containsKey(drive) ? Optional.empty() : ReleasedDrive.find(directory(drive));
    }

    /** What is kept of a drive that was handed over; empty when it wasn't, or isn't kept. The caller closes it. */
    public Optional<ReleasedDrive> released(DriveId drive) throws IOException {
        return locked(() -> find(drive));
    }

    /** The released drive's marks are another agent's now: they're dropped. The journal stays, and tells of that. */
    public void forget(DriveId drive, IncarnationId handover) throws IOException {
        Object _ = locked(() -> {
            try (ReleasedDrive released = released(drive, handover)) {
                released.forget();
            }
            return drive;
        });
    }

    /** The next attach goes on with the drive, as if it hadn't been handed over. */
    public void takeBack(DriveId drive, IncarnationId handover) throws IOException {
        Object _ = locked(() -> {
            try (ReleasedDrive released = released(drive, handover)) {
                if (released.isCarried()) {
                    throw new IOException("drive '" + drive + "' has gone to the other agent with all that was known of"
                            + " it, and can't be taken back: hand it over from there");
                }
            }
            TakenOver.permit(directory(drive), handover, HandedImage.SHARED);
            return drive;
        });
    }

    private ReleasedDrive released(DriveId drive, IncarnationId handover) throws IOException {
        Optional<ReleasedDrive> released = find(drive);
        if (released.isPresent() && released.get().handover().equals(handover)) {
            return released.get();
        }
        if (released.isPresent()) {
            released.get().close();
        }
        throw new IOException(
                "drive '" + drive + "' wasn't released by the hand-over " + handover + ": ask for its state");
    }

    /** A drive that was taken over, or back, and couldn't be attached, is another agent's again. */
    public void revoke(DriveId drive) throws IOException {
        Object _ = locked(() -> {
            if (!drives.containsKey(drive)) {
                TakenOver.revoke(directory(drive));
            }
            return drive;
        });
    }

    /**
     * Takes over a journal, durably: the next attach goes on with it.
     *
     * @throws IOException in one sentence, when it can't be; nothing changed then
     */
    public void install(DriveId drive, IncarnationId handover, List<LogRecord> records, HandedImage handed)
            throws IOException {
        Object _ = locked(() -> {
            if (drives.containsKey(drive)) {
                throw new IOException("drive '" + drive + "' is attached already");
            }
            Path directory = Files.createDirectories(directory(drive));
            Path file = directory.resolve(Attachment.JOURNAL);
            switch (Takeover.of(drive, handover, records, records(file))) {
                case Takeover.Refused(String reason) -> throw new IOException(reason);
                case Takeover.Accepted(DriveState state) -> {
                    Path arriving = directory.resolve(Attachment.JOURNAL + ".arriving");
                    try (Journal journal = Journal.create(arriving, state.journal())) {
                        journal.append(records);
                    }
                    TakenOver.permit(directory, handover, handed);
                    DurableFiles.rename(arriving, file);
                }
            }
            return drive;
        });
    }

    private static List<LogRecord> records(Path file) throws IOException {
        if (!Files.exists(file)) {
            return List.of();
        }
        try (Journal journal = Journal.open(file)) {
            return journal.records();
        }
    }

    /** How far the drive has come from another agent. */
    public TargetSide target(DriveId drive) throws IOException {
        return locked(() -> {
            AttachedDrive attached = drives.get(drive);
            if (attached == null) {
                return new TargetSide.Absent();
            }
            List<IncarnationId> line = attached.state().line();
            return attached.incoming().isIncoming()
                    ? new TargetSide.Incoming(
                            attached.incoming().handover(), attached.incoming().missing())
                    : new TargetSide.Serving(line);
        });
    }

    /** Takes a missing generation's marks, durably. One that isn't missing is left as it is. */
    public void take(DriveId drive, long generation, Marks marks) throws IOException {
        changing(drive, attached -> attached.incoming().take(generation, marks));
    }

    /** Every bitmap is as it was at the source. */
    public void complete(DriveId drive) throws IOException {
        changing(drive, attached -> {
            if (Incoming.isIncoming(attached.state())) {
                attached.incoming().complete();
            }
        });
    }

    /** What needs marks that are missing becomes inconsistent, and says why. */
    public void giveUp(DriveId drive, String reason) throws IOException {
        changing(drive, attached -> attached.incoming().giveUp(reason));
    }

    private interface Change {
        void of(AttachedDrive drive) throws IOException;
    }

    private void changing(DriveId drive, Change change) throws IOException {
        Object _ = locked(() -> {
            AttachedDrive attached = attached(drive);
            change.of(attached);
            return attached;
        });
        changed.run();
    }

    /** The heir wouldn't know of them. */
    private static Optional<String> lostWrites(AttachedDrive drive) {
        return drive.path().lost().isEmpty()
                ? Optional.empty()
                : Optional.of("drive '" + drive.image().drive()
                        + "' can't be handed over while writes may reach it late, "
                        + "in " + drive.path().lost().extents() + ": restart the server that has its image, then stop "
                        + "this agent in order and start it again");
    }
}
