package io.varve.capture.tracking;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.backend.BackendAccess;
import io.varve.capture.backend.RawFileBackend;
import io.varve.capture.nbd.Completion;
import io.varve.capture.nbd.Export;
import io.varve.capture.nbd.ExportRegistry;
import io.varve.core.bits.Marks;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Recording;
import io.varve.core.feed.FeedBatch;
import io.varve.core.fold.ReadingFold;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import io.varve.core.transaction.Action;
import io.varve.core.transaction.SyncMode;
import io.varve.formats.nbd.NbdError;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;

/** An agent over raw files in a folder, and the ways in which tests use one. */
public final class AgentFixture implements AutoCloseable {
    static final UUID BOOT = new UUID(11, 12);
    private static final long READ_NANOS_MAX = 20_000_000_000L;

    private final Path directory;
    private final ExportRegistry exports = new ExportRegistry();
    private final Agent agent;

    private AgentFixture(Path directory, AgentOptions options, UUID boot) throws IOException {
        this.directory = directory;
        this.agent = Agent.open(
                options,
                new AgentSurroundings(exports, InstantSource.system(), System::nanoTime, new SecureRandom(), boot));
    }

    public static AgentFixture open(Path directory) throws IOException {
        return new AgentFixture(directory, options(directory), BOOT);
    }

    public static AgentFixture open(Path directory, AgentOptions options) throws IOException {
        return new AgentFixture(directory, options, BOOT);
    }

    public static AgentFixture openOnBoot(Path directory, UUID boot) throws IOException {
        return new AgentFixture(directory, options(directory), boot);
    }

    public static AgentOptions options(Path directory) {
        return AgentOptions.in(directory.resolve("state"), directory.resolve("live"), "unix:/none");
    }

    /** Attaches a raw image, made of zeroes when it isn't there. */
    public Export attach(String drive, long sizeBytes) throws IOException {
        Path image = image(drive);
        if (!Files.exists(image)) {
            makeImage(image, sizeBytes);
        }
        RawFileBackend backend = RawFileBackend.open(image, BackendAccess.READ_WRITE);
        try {
            agent.attach(new DriveImage(new DriveId(drive), image, backend));
        } catch (IOException e) {
            backend.close();
            throw e;
        }
        return export(drive);
    }

    /** As {@link #attach}, with a backend that can be watched. */
    WatchedBackend attachWatched(String drive, long sizeBytes) throws IOException {
        Path image = image(drive);
        if (!Files.exists(image)) {
            makeImage(image, sizeBytes);
        }
        WatchedBackend backend = new WatchedBackend(RawFileBackend.open(image, BackendAccess.READ_WRITE));
        agent.attach(new DriveImage(new DriveId(drive), image, backend));
        return backend;
    }

    public static void makeImage(Path image, long sizeBytes) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(sizeBytes);
        }
    }

    /** Everything that the feed has to say, acknowledged. */
    ReadingFold read(String drive) throws IOException {
        ReadingFold reader = ReadingFold.behind();
        DriveFeed feed = feed(drive);
        feed.republishFrom(1);
        readAll(drive, reader);
        return reader;
    }

    /** Drains the feed; markers that wait for a flush are waited for. */
    void readAll(String drive, ReadingFold reader) throws IOException {
        long startNanos = System.nanoTime();
        drain(feed(drive), reader);
        while (reader.state().control() < state(drive).control()) {
            assertTrue(
                    System.nanoTime() - startNanos < READ_NANOS_MAX,
                    () -> "the feed stops at control event " + reader.state().control() + ", complaints "
                            + reader.complaints() + ": " + state(drive));
            Thread.onSpinWait();
            drain(feed(drive), reader);
        }
    }

    static void drain(DriveFeed feed, ReadingFold reader) throws IOException {
        drain(feed, reader, batch -> false);
    }

    /** Drains the feed up to a batch that {@code last} says is the last, which isn't acknowledged. */
    static void drain(DriveFeed feed, ReadingFold reader, Predicate<FeedBatch> last) throws IOException {
        for (Optional<FeedBatch> batch = feed.next();
                batch.isPresent() && !last.test(batch.get());
                batch = feed.next()) {
            batch.get().records().forEach(reader::read);
            feed.acknowledge(batch.get());
        }
    }

    DriveFeed feed(String drive) {
        return agent.feed(new DriveId(drive)).orElseThrow();
    }

    DriveState state(String drive) {
        return Optional.ofNullable(agent.states().get(new DriveId(drive))).orElseThrow();
    }

    Bitmap bitmap(String drive, String name) {
        return state(drive).bitmap(new BitmapName(name)).orElseThrow();
    }

    /** What a bitmap holds, its successor's part too, as the agent's log tells it. */
    Marks content(String drive, String name) throws IOException {
        Bitmap bitmap = bitmap(drive, name);
        return read(drive).union(bitmap.allGenerations(), bitmap.granularity());
    }

    /** The marks of the open generation, as they would be found if the process died now. */
    Marks survivingMarks(String drive) throws IOException {
        long open = state(drive).open().number();
        try (DirectoryStream<Path> files =
                Files.newDirectoryStream(directory.resolve("live").resolve(drive), open + "-*.live")) {
            try (LiveSet set = LiveSet.open(files.iterator().next()).orElseThrow()) {
                return set.marks().copyAt(set.marks().granularity());
            }
        }
    }

    public Path image(String drive) {
        return directory.resolve(drive + ".raw");
    }

    public Agent agent() {
        return agent;
    }

    public ExportRegistry exports() {
        return exports;
    }

    public Export export(String name) {
        return exports.find(name).orElseThrow();
    }

    public List<StartedBackup> transact(io.varve.core.drive.Completion completion, Action... actions) {
        Transacted transacted = agent.transact(List.of(actions), completion, agent.newSyncPointId());
        return assertInstanceOf(Transacted.Done.class, transacted).backups();
    }

    public static Action add(String drive, String bitmap) {
        return new Action.AddBitmap(drive, bitmap, Optional.empty(), true, Recording.ENABLED);
    }

    public static Action full(String drive) {
        return new Action.Backup(drive, SyncMode.FULL, Optional.empty(), Optional.empty(), BackupTarget.FILE);
    }

    public static Action incremental(String drive, String bitmap) {
        return new Action.Backup(drive, SyncMode.INCREMENTAL, Optional.of(bitmap), Optional.empty(), BackupTarget.FILE);
    }

    /** Writes, and returns once that is acknowledged. */
    public static void write(Export export, long offsetBytes, byte[] data) {
        ended(completion -> export.write(
                offsetBytes, ByteBuffer.allocateDirect(data.length).put(data).flip(), completion));
    }

    /** Runs a request that must succeed, to its end. */
    public static void ended(java.util.function.Consumer<Completion> request) {
        CompletableFuture<Void> end = new CompletableFuture<>();
        request.accept(new Completion() {
            @Override
            public void done() {
                end.complete(null);
            }

            @Override
            public void failed(NbdError error, String reason) {
                end.completeExceptionally(new IOException(error + ": " + reason));
            }
        });
        end.join();
    }

    @Override
    public void close() throws IOException {
        agent.close();
    }
}
