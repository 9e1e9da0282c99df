package io.varve.capture.tracking;

import io.varve.capture.journal.DurableFiles;
import io.varve.capture.journal.Journal;
import io.varve.core.bits.Marks;
import io.varve.core.drive.DriveState;
import io.varve.core.event.LogRecord;
import io.varve.core.handover.Release;
import io.varve.core.id.DriveId;
import io.varve.core.id.IncarnationId;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What an agent keeps of a drive that it has handed over: the journal, and the marks of every sealed generation. All of
 * it is in the drive's folder of the state directory, so it can be read with the agent dead, too.
 *
 * <p>Thread: its owner's only.
 */
public final class ReleasedDrive implements AutoCloseable {
    /** Names the hand-over whose target has everything. */
    private static final String CARRIED = "carried";

    private final List<LogRecord> records;
    private final IncarnationId handover;
    private final DriveState state;
    private final KeptMarks kept;
    private boolean isCarried;
    private final Path directory;
    private final Closeable lock;

    private ReleasedDrive(List<LogRecord> records, IncarnationId handover, Path directory, Closeable lock)
            throws IOException {
        this.records = records;
        this.handover = handover;
        Path carried = directory.resolve(CARRIED);
        this.isCarried = Files.exists(carried) && Files.readString(carried).equals(handover.toString());
        this.state = DriveLog.replay(records).orElseThrow();
        this.kept = new KeptMarks(directory);
        this.directory = directory;
        this.lock = lock;
    }

    /** The drive of {@code directory}; empty when there's none that was handed over. */
    static Optional<ReleasedDrive> find(Path directory) throws IOException {
        return find(directory, () -> {});
    }

    private static Optional<ReleasedDrive> find(Path directory, Closeable lock) throws IOException {
        Path file = directory.resolve(Attachment.JOURNAL);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        List<LogRecord> records;
        try (Journal journal = Journal.open(file)) {
            records = journal.records();
        }
        if (Release.of(records).isEmpty() || !TakenOver.isElsewhere(directory, records.getLast())) {
            return Optional.empty();
        }
        return Optional.of(new ReleasedDrive(records, Release.of(records).orElseThrow(), directory, lock));
    }

    /**
     * The drive in the state directory of an agent that doesn't run.
     *
     * @throws IOException in one sentence: the agent runs, or it hadn't let the drive go
     */
    public static ReleasedDrive ofStoppedAgent(Path stateDirectory, DriveId drive) throws IOException {
        if (!Files.isDirectory(stateDirectory)) {
            throw new IOException("'" + stateDirectory + "' isn't an agent's state directory");
        }
        FileChannel lock = Agent.lock(stateDirectory);
        try {
            Optional<ReleasedDrive> found = find(stateDirectory.resolve(drive.value()), lock);
            if (found.isPresent()) {
                return found.get();
            }
        } catch (IOException e) {
            lock.close();
            throw e;
        }
        lock.close();
        throw new IOException("the agent of '" + stateDirectory + "' hadn't let drive '" + drive
                + "' go when it ended: start it again, which loses nothing, and hand the drive over then");
    }

    /** The target has everything. */
    private static void carried(Path directory, IncarnationId handover) throws IOException {
        byte[] text = handover.toString().getBytes(StandardCharsets.UTF_8);
        DurableFiles.replace(
                directory.resolve(CARRIED), channel -> DurableFiles.writeFully(channel, ByteBuffer.wrap(text), 0));
    }

    /** Whether the target has everything, and the marks are gone from here. */
    public boolean isCarried() {
        return isCarried;
    }

    public IncarnationId handover() {
        return handover;
    }

    /** Every control event that the journal holds, in order. */
    public List<LogRecord> records() {
        return List.copyOf(records);
    }

    public DriveState state() {
        return state;
    }

    /** A sealed generation's marks, mapped until this is closed. */
    public Marks marks(long generation) throws IOException {
        return kept.marks(generation);
    }

    /** Writes down, for the agent's next run, that the target has everything; and drops the marks. */
    public void forget() throws IOException {
        carried(directory, handover);
        isCarried = true;
        kept.close();
        kept.dropAllBut(Set.of());
    }

    @Override
    public void close() throws IOException {
        kept.close();
        lock.close();
    }
}
