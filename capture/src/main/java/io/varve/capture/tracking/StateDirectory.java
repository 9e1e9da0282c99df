package io.varve.capture.tracking;

import io.varve.capture.activity.ActivityFile;
import io.varve.capture.journal.Journal;
import io.varve.core.bits.Extent;
import io.varve.core.drive.Arrival;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Generation;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.id.DriveId;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * What an agent's state directory holds, whether an agent runs or not; nothing is changed.
 *
 * @param isUsed whether an agent has it
 */
public record StateDirectory(boolean isUsed, List<Drive> drives) {
    private static final Path LOCKS = Path.of("/proc/locks");

    public StateDirectory {
        drives = List.copyOf(drives);
    }

    /** One drive of it. */
    public sealed interface Drive {
        DriveId id();

        /**
         * A drive whose journal is whole.
         *
         * @param lastArrival how its agent came up last, as far as the journal still tells
         * @param isDetached whether it was given up in order since
         * @param openBytes what the open generation holds; empty when its marks aren't there, or not all
         * @param lostWrites writes of unknown outcome, which every generation is seeded with
         */
        record Known(
                DriveId id,
                Journal.Held journal,
                DriveState state,
                Optional<Arrival> lastArrival,
                boolean isDetached,
                OptionalLong openBytes,
                ActivityFile.Content activity,
                List<Extent> lostWrites)
                implements Drive {}

        /** One that can't be read, and why. */
        record Unreadable(DriveId id, String reason) implements Drive {}
    }

    /**
     * Reads a state directory.
     *
     * @param liveDirectory where its live sets are
     * @throws IOException in one sentence: it isn't one
     */
    public static StateDirectory look(Path directory, Path liveDirectory) throws IOException {
        if (!Files.isDirectory(directory)) {
            throw new IOException("'" + directory + "' is no directory: name the one of varve capture's --state");
        }
        TreeMap<DriveId, Drive> drives = new TreeMap<>();
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(directory, Files::isDirectory)) {
            for (Path folder : folders) {
                if (Files.exists(folder.resolve(Attachment.JOURNAL))) {
                    DriveId id = new DriveId(String.valueOf(folder.getFileName()));
                    drives.put(id, drive(id, folder, liveDirectory.resolve(id.value())));
                }
            }
        }
        if (drives.isEmpty() && !Files.exists(directory.resolve(Agent.LOCK))) {
            throw new IOException(
                    "'" + directory + "' holds no drive's journal: name the directory of varve capture's --state");
        }
        return new StateDirectory(isLocked(directory.resolve(Agent.LOCK)), List.copyOf(drives.values()));
    }

    /** Asks the kernel's list of locks: to try for the lock would keep an agent from it that starts just now. */
    private static boolean isLocked(Path lock) throws IOException {
        if (!Files.exists(lock) || !Files.isReadable(LOCKS)) {
            return false;
        }
        String inode = ":" + Files.getAttribute(lock, "unix:ino") + " ";
        return Files.readAllLines(LOCKS).stream().anyMatch(line -> line.contains(" WRITE ") && line.contains(inode));
    }

    private static Drive drive(DriveId id, Path folder, Path live) {
        try {
            Journal.Held journal = Journal.look(folder.resolve(Attachment.JOURNAL));
            Optional<DriveState> state = DriveLog.replay(journal.records());
            if (state.isEmpty()) {
                return new Drive.Unreadable(
                        id, "its journal holds no record yet: an agent that was killed as it attached first left it");
            }
            List<DriveEvent> events =
                    journal.records().stream().map(LogRecord::event).toList();
            return new Drive.Known(
                    id,
                    journal,
                    state.get(),
                    lastArrival(events),
                    events.getLast() instanceof DriveEvent.DriveDetached,
                    openBytes(state.get(), new KeptMarks(folder), live, events.getLast()),
                    ActivityFile.read(folder),
                    LostWritesFile.read(folder));
        } catch (IOException | RuntimeException e) {
            return new Drive.Unreadable(id, String.valueOf(e.getMessage()));
        }
    }

    private static Optional<Arrival> lastArrival(List<DriveEvent> events) {
        return events.reversed().stream()
                .filter(DriveEvent.DriveAttached.class::isInstance)
                .map(event -> ((DriveEvent.DriveAttached) event).arrival())
                .findFirst();
    }

    /** Of the live set, or, of a drive that was given up in order, of what was kept of it. */
    private static OptionalLong openBytes(DriveState state, KeptMarks kept, Path live, DriveEvent last)
            throws IOException {
        Generation open = state.open();
        List<LiveSet> sets = new ArrayList<>();
        try {
            if (last instanceof DriveEvent.DriveDetached) {
                sets.addAll(kept.openFrom(open.number(), state.journal()));
            } else {
                Path set = live.resolve(
                        LiveDirectory.name(open.number(), state.line().getLast()));
                if (Files.exists(set)) {
                    LiveSet.open(set).ifPresent(sets::add);
                }
            }
            return sets.stream()
                    .filter(set -> set.header().generation() == open.number())
                    .mapToLong(set -> set.marks().dirtyBytes())
                    .findFirst();
        } finally {
            sets.forEach(LiveSet::close);
        }
    }
}
