package io.varve.chaos;

import io.varve.archive.store.ObjectStore;
import io.varve.archive.store.WhenMissing;
import io.varve.cli.stack.Stack;
import io.varve.cli.stack.StackConfig;
import io.varve.formats.nbd.NbdAddress;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * All of Varve in processes of its own, two drives with writers that keep their history, and one that fio writes. A
 * folder keeps all of it. Thread: its owner's only.
 */
final class ChaosStack implements AutoCloseable {
    static final List<String> DRIVES = List.of("drive0", "drive1");

    private static final long DRIVE_BYTES = 16L << 20;
    private static final int WRITERS_PER_DRIVE = 3;

    private final Path folder;
    private final EventLog events;
    private final Stack stack;
    private final Acknowledgements acknowledgements = new Acknowledgements();
    private final List<DriveWriter> writers = new ArrayList<>();
    private final FioGuest fio;

    private ChaosStack(Path folder, EventLog events, Stack stack) throws IOException {
        this.folder = folder;
        this.events = events;
        this.stack = stack;
        this.fio = new FioGuest(stack.unixExport(FioGuest.DRIVE), Files.createDirectories(folder.resolve("fio")));
    }

    /**
     * Starts the processes.
     *
     * @param folder must be empty
     */
    static ChaosStack start(Path folder, EventLog events) throws IOException, InterruptedException {
        List<String> drives = new ArrayList<>();
        for (String drive : DRIVES) {
            drives.add(drive + "=" + image(folder, drive, DRIVE_BYTES));
        }
        drives.add(FioGuest.DRIVE + "=" + image(folder, FioGuest.DRIVE, FioGuest.DRIVE_BYTES));
        Stack stack = Stack.start(StackConfig.of(folder.resolve("data"), drives), events.asStream());
        return new ChaosStack(folder, events, stack);
    }

    /** Makes a raw image of zeros. */
    static Path image(Path folder, String drive, long bytes) throws IOException {
        Path image = folder.resolve(drive + ".raw");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(bytes);
        }
        return image;
    }

    /** Lets the writers begin, each with some sectors of its own. */
    void startWriters(SplittableRandom random) {
        int sectors = (int) (DRIVE_BYTES / SectorContent.SECTOR_BYTES / WRITERS_PER_DRIVE);
        for (String drive : DRIVES) {
            for (int index = 0; index < WRITERS_PER_DRIVE; index++) {
                SectorContent content = new SectorContent(random.nextLong());
                Territory territory = new Territory(drive, index, (long) index * sectors, sectors, content);
                writers.add(DriveWriter.start(
                        new WriterHistory(territory), stack.unixExport(drive), random.split(), acknowledgements));
            }
        }
    }

    Path folder() {
        return folder;
    }

    EventLog events() {
        return events;
    }

    Stack stack() {
        return stack;
    }

    FioGuest fio() {
        return fio;
    }

    Acknowledgements acknowledgements() {
        return acknowledgements;
    }

    List<DriveWriter> writers() {
        return List.copyOf(writers);
    }

    List<WriterHistory.View> histories() {
        return writers.stream().map(writer -> writer.history().view()).toList();
    }

    Backups backups() {
        return new Backups(NbdAddress.parse(stack.agent()), events);
    }

    /** The bucket; must be closed. */
    ObjectStore openStore() throws IOException {
        return stack.archive().open(WhenMissing.REFUSE);
    }

    /** Writes down what each writer did since the last round that held. */
    void keepHistories() throws IOException {
        for (WriterHistory.View view : histories()) {
            Territory territory = view.territory();
            Path file = folder.resolve("history-" + territory.drive() + "-" + territory.writer() + ".txt");
            List<String> lines = new ArrayList<>();
            lines.add(territory.toString());
            view.writes().forEach(write -> lines.add(write.toString()));
            Files.write(file, lines);
        }
    }

    @Override
    public void close() throws InterruptedException {
        fio.close();
        for (DriveWriter writer : writers) {
            writer.close();
        }
        stack.close();
    }
}
