package io.varve.capture.handover;

import io.varve.capture.node.Device;
import io.varve.capture.node.DriveDisk;
import io.varve.capture.node.Node;
import io.varve.capture.node.NodeGraph;
import io.varve.capture.node.NodeRefusedException;
import io.varve.capture.node.TrackedDevices;
import io.varve.capture.tracking.Agent;
import io.varve.capture.tracking.DriveImage;
import io.varve.capture.tracking.HandedImage;
import io.varve.capture.tracking.Handovers;
import io.varve.capture.tracking.ReleasedDrive;
import io.varve.core.event.LogRecord;
import io.varve.core.handover.TargetSide;
import io.varve.core.id.DriveId;
import io.varve.core.id.IncarnationId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * An agent's part in hand-overs, as source and as target: lets drives go and attaches them, and gives and takes what is
 * carried between. Every command may be repeated. The states are in {@link io.varve.core.handover}, and
 * {@code docs/adr/0006-a-drive-is-handed-over-with-its-journal.md} tells why it's done so.
 *
 * <p>Thread: safe for any thread; one at a time.
 */
public final class HandoverDesk {
    private final Agent agent;
    private final Handovers handovers;
    private final NodeGraph graph;
    private final ImageReader images;
    private final Map<DriveId, DriveDisk> disks = new HashMap<>();
    private final Map<DriveId, Arriving> arriving = new HashMap<>();
    private final Map<DriveId, Journal> journals = new HashMap<>();
    private Optional<Giving> giving = Optional.empty();

    /** Reads a drive's image as the command line names it, {@code NAME=PATH,…}. */
    public interface ImageReader {
        /**
         * The image of {@code text}.
         *
         * @throws IllegalArgumentException in one sentence
         */
        DriveDisk read(String text);
    }

    /** Which drive, and which hand-over of it. */
    public record Subject(DriveId drive, IncarnationId handover) {}

    /** A journal that has come whole. */
    private record Journal(IncarnationId handover, List<LogRecord> records) {}

    /** The part that is asked for in chunks. */
    private record Giving(Subject subject, String part, ByteBuffer bytes) {}

    /**
     * The desk of an agent.
     *
     * @param images for drives that this agent wasn't started with
     */
    public HandoverDesk(Agent agent, NodeGraph graph, ImageReader images) {
        this.agent = agent;
        this.handovers = agent.handovers();
        this.graph = graph;
        this.images = images;
    }

    /** Tells how a drive's image is opened, whether or not it's this agent's now. */
    public synchronized void knows(DriveId drive, DriveDisk disk) {
        disks.put(drive, disk);
    }

    /** Where this agent is with a drive. */
    public synchronized DriveStage stage(DriveId drive) throws IOException {
        try (Kept kept = kept(drive)) {
            return kept.drive()
                    .filter(released -> !released.isCarried())
                    .map(released -> DriveStage.released(released.handover()))
                    .orElse(DriveStage.of(handovers.target(drive)));
        }
    }

    /**
     * Lets a drive go: its guests are disconnected, its writes have ended, its image is closed and unlocked, and this
     * agent neither writes nor publishes anything of it when this returns.
     *
     * @param to whom, for people to read
     * @throws IOException in one sentence, when that can't be
     */
    public synchronized DriveStage release(DriveId drive, String to) throws IOException {
        DriveStage now = stage(drive);
        if (now.stage() == DriveStage.Stage.RELEASED) {
            return now;
        }
        Device device = graph.device(drive.value())
                .orElseThrow(() -> new IOException("no drive '" + drive + "' is here to be handed over"));
        Node node = free(device);
        disks.put(drive, new DriveDisk(node.spec(), use(drive), device.granularityBytes()));
        handovers.announce(drive, to);
        try {
            TrackedDevices.remove(graph, device.id());
        } catch (NodeRefusedException e) {
            throw new IOException(
                    "drive '" + drive + "' couldn't be let go in order, and isn't served any more: " + e.sentence()
                            + "; start the agent again, which loses nothing, and hand the drive over then",
                    e);
        } finally {
            handovers.renounce(drive);
        }
        return stage(drive);
    }

    private DriveImage.Use use(DriveId drive) {
        return Optional.ofNullable(disks.get(drive)).map(DriveDisk::use).orElse(DriveImage.Use.UNKNOWN);
    }

    /** The device's node, when nobody else needs it. */
    private Node free(Device device) throws IOException {
        String what = "drive '" + device.id() + "' can't be handed over: ";
        Node node = device.node().orElseThrow(() -> new IOException(what + "it has no medium"));
        if (!node.uses().isEmpty()) {
            throw new IOException(what + node.uses().getFirst().reason() + "; end that first");
        }
        if (!node.parents().isEmpty() || node.owner() != Node.Owner.DEVICE) {
            throw new IOException(what + "its node '" + node.name() + "' was added by itself, or lies under another "
                    + "one; only a disk with an image of its own can be");
        }
        if (!node.drive().equals(Optional.of(new DriveId(device.id())))) {
            throw new IOException(what + "no log of that name goes with it; back it up once, or commit its overlay");
        }
        return node;
    }

    /** The chunk of a released drive's part that begins at {@code offsetBytes}. */
    public synchronized Chunk give(Subject subject, Part part, int offsetBytes) throws IOException {
        return Chunk.of(whole(subject, part).array(), offsetBytes);
    }

    private ByteBuffer whole(Subject subject, Part part) throws IOException {
        Optional<Giving> known =
                giving.filter(g -> g.subject().equals(subject) && g.part().equals(part.name()));
        if (known.isPresent()) {
            return known.get().bytes();
        }
        try (Kept kept = kept(subject.drive())) {
            ReleasedDrive released = kept.drive()
                    .filter(drive -> drive.handover().equals(subject.handover()) && !drive.isCarried())
                    .orElseThrow(() -> new IOException("nothing of the hand-over " + subject.handover() + " of drive '"
                            + subject.drive() + "' is kept here"));
            ByteBuffer bytes = ByteBuffer.wrap(part.of(released));
            giving = Optional.of(new Giving(subject, part.name(), bytes));
            return bytes;
        }
    }

    /** Takes a chunk of a part; a generation's last one makes its marks durable. */
    public synchronized void take(Subject subject, Part part, Chunk chunk) throws IOException {
        String what = "part '" + part.name() + "' of the hand-over " + subject.handover() + " of drive '"
                + subject.drive() + "'";
        Optional<byte[]> whole =
                arriving.computeIfAbsent(subject.drive(), _ -> new Arriving()).take(what, chunk);
        if (whole.isEmpty()) {
            return;
        }
        switch (part) {
            case Part.OfJournal _ ->
                journals.put(subject.drive(), new Journal(subject.handover(), Part.records(whole.get())));
            case Part.OfGeneration(long number) -> {
                checkIncoming(subject);
                handovers.take(subject.drive(), number, Part.marks(whole.get()));
            }
        }
    }

    /**
     * Attaches the drive whose journal has come, and serves it; its bitmaps are incoming from then on.
     *
     * @param image as the command line names it; the one that this agent was started with when empty
     * @throws IOException in one sentence; the drive isn't served then
     */
    public synchronized DriveStage attach(Subject subject, HandedImage handed, Optional<String> image)
            throws IOException {
        DriveId drive = subject.drive();
        if (handovers.target(drive) instanceof TargetSide.Absent) {
            Journal journal = Optional.ofNullable(journals.get(drive))
                    .filter(j -> j.handover().equals(subject.handover()))
                    .orElseThrow(() -> new IOException("the journal of drive '" + drive + "' hasn't come yet"));
            if (image.isPresent()) {
                disks.put(drive, read(image.get()));
            }
            DriveDisk disk = known(drive);
            handovers.install(drive, subject.handover(), journal.records(), handed);
            serve(drive, disk);
            journals.remove(drive);
        }
        return stage(drive);
    }

    private DriveDisk read(String text) throws IOException {
        try {
            return images.read(text);
        } catch (IllegalArgumentException e) {
            throw new IOException(String.valueOf(e.getMessage()), e);
        }
    }

    private DriveDisk known(DriveId drive) throws IOException {
        return Optional.ofNullable(disks.get(drive))
                .orElseThrow(() -> new IOException("this agent doesn't know the image of drive '" + drive
                        + "': start it with " + drive + "=PATH,incoming=on, or name the drive so to 'varve handover'"));
    }

    /** What can't be served isn't this agent's after its next start, either. */
    private void serve(DriveId drive, DriveDisk disk) throws IOException {
        try {
            Device _ = TrackedDevices.add(graph, agent, drive, disk);
        } catch (IOException e) {
            handovers.revoke(drive);
            throw e;
        } catch (NodeRefusedException e) {
            handovers.revoke(drive);
            throw new IOException("drive '" + drive + "': " + e.sentence(), e);
        }
    }

    /** Ends the hand-over at the target: every bitmap is as it was at the source. */
    public synchronized DriveStage complete(Subject subject) throws IOException {
        checkIncoming(subject);
        handovers.complete(subject.drive());
        arriving.remove(subject.drive());
        return stage(subject.drive());
    }

    /** Ends the hand-over at the target without what is missing: bitmaps that need it are inconsistent. */
    public synchronized DriveStage giveUp(Subject subject, String reason) throws IOException {
        checkIncoming(subject);
        handovers.giveUp(subject.drive(), reason);
        arriving.remove(subject.drive());
        return stage(subject.drive());
    }

    /** One that has ended already is as good. */
    private void checkIncoming(Subject subject) throws IOException {
        DriveStage now = stage(subject.drive());
        boolean isOf = now.handover().equals(Optional.of(subject.handover()))
                || now.line().contains(subject.handover());
        if (now.stage() == DriveStage.Stage.ABSENT || now.stage() == DriveStage.Stage.RELEASED || !isOf) {
            throw new IOException("drive '" + subject.drive() + "' didn't come here by the hand-over "
                    + subject.handover() + ": ask for its state");
        }
    }

    /** The source's marks are the target's: they're dropped here. */
    public synchronized DriveStage forget(Subject subject) throws IOException {
        giving = Optional.empty();
        handovers.forget(subject.drive(), subject.handover());
        return stage(subject.drive());
    }

    /**
     * Serves a released drive again, which no other agent has served meanwhile.
     *
     * @throws IOException in one sentence, also when the image was changed since
     */
    public synchronized DriveStage takeBack(Subject subject) throws IOException {
        DriveDisk disk = known(subject.drive());
        handovers.takeBack(subject.drive(), subject.handover());
        serve(subject.drive(), disk);
        giving = Optional.empty();
        return stage(subject.drive());
    }

    /** A released drive, closed with this. */
    private record Kept(Optional<ReleasedDrive> drive) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            if (drive.isPresent()) {
                drive.get().close();
            }
        }
    }

    private Kept kept(DriveId drive) throws IOException {
        return new Kept(handovers.released(drive));
    }
}
