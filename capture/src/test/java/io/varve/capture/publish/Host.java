package io.varve.capture.publish;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.varve.capture.backend.BackendAccess;
import io.varve.capture.backend.RawFileBackend;
import io.varve.capture.nbd.ExportRegistry;
import io.varve.capture.tracking.Agent;
import io.varve.capture.tracking.AgentOptions;
import io.varve.capture.tracking.AgentSurroundings;
import io.varve.capture.tracking.DriveImage;
import io.varve.capture.tracking.StartedBackup;
import io.varve.capture.tracking.Transacted;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapMode;
import io.varve.core.drive.Completion;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Recording;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import io.varve.core.transaction.Action;
import io.varve.core.transaction.SyncMode;
import io.varve.formats.nbd.NbdError;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/** One run of an agent with raw drives, each with a bitmap {@code b}, and its connection with Kafka. */
final class Host implements AutoCloseable {
    static final long SIZE_BYTES = 16 << 20;
    static final long GRANULE_BYTES = 64 << 10;

    private static final BitmapName BITMAP = new BitmapName("b");

    private final ExportRegistry exports = new ExportRegistry();
    private final Map<String, BitSet> written = new ConcurrentHashMap<>();
    private final AtomicLong skewNanos = new AtomicLong();
    private final Agent agent;
    private Optional<Publishing> publishing = Optional.empty();

    private Host(Path directory) throws IOException {
        agent = Agent.open(
                AgentOptions.in(directory.resolve("state"), directory.resolve("live"), "unix:/none"),
                new AgentSurroundings(
                        exports, InstantSource.system(), System::nanoTime, new SecureRandom(), new UUID(1, 2)));
    }

    /** Attaches to the drives, which are made with their bitmaps when they aren't there. */
    static Host open(Path directory, String... drives) throws IOException {
        Host host = new Host(directory);
        for (String drive : drives) {
            Path image = directory.resolve(drive + ".raw");
            boolean isNew = !Files.exists(image);
            if (isNew) {
                try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
                    file.setLength(SIZE_BYTES);
                }
            }
            host.agent.attach(
                    new DriveImage(new DriveId(drive), image, RawFileBackend.open(image, BackendAccess.READ_WRITE)));
            if (isNew) {
                host.addBitmap(drive, BITMAP.value());
            }
        }
        return host;
    }

    Host connect(Map<String, Object> client) {
        return connect(client, (unit, drive, copiedBytes, totalBytes) -> {});
    }

    Host connect(Map<String, Object> client, ArchiveProgress progress) {
        publishing = Optional.of(Publishing.start(agent, client, progress, () -> System.nanoTime() + skewNanos.get()));
        return this;
    }

    Publishing publishing() {
        return publishing.orElseThrow();
    }

    /** Lets the publisher's clock, but no other, go forward. */
    void skipSeconds(long seconds) {
        skewNanos.addAndGet(seconds * 1_000_000_000);
    }

    Agent agent() {
        return agent;
    }

    DriveState state(String drive) {
        return Objects.requireNonNull(agent.states().get(new DriveId(drive)));
    }

    Bitmap bitmap(String drive) {
        return state(drive).bitmap(BITMAP).orElseThrow();
    }

    long dirtyBytes(String drive) throws IOException {
        return agent.bitmaps().dirtyBytes(new DriveId(drive), BITMAP).orElseThrow();
    }

    /** Writes a granule, and returns once that is acknowledged. */
    void write(String drive, long granule) {
        CompletableFuture<Void> end = new CompletableFuture<>();
        ByteBuffer data = ByteBuffer.allocateDirect(512).putLong(granule).clear();
        exports.find(drive).orElseThrow().write(granule * GRANULE_BYTES, data, new io.varve.capture.nbd.Completion() {
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
        granules(drive).set((int) granule);
    }

    /** The granules that this run's guests wrote. */
    BitSet granules(String drive) {
        return written.computeIfAbsent(drive, d -> new BitSet());
    }

    /** Begins a chain: takes the bitmap's bits with it, and anchors it when it's committed. */
    List<StartedBackup> full(Completion completion, String... drives) {
        return backUp(completion, SyncMode.FULL, drives);
    }

    List<StartedBackup> increment(Completion completion, String... drives) {
        return backUp(completion, SyncMode.INCREMENTAL, drives);
    }

    private List<StartedBackup> backUp(Completion completion, SyncMode sync, String... drives) {
        return transact(
                completion,
                Stream.of(drives)
                        .map(drive -> new Action.Backup(
                                drive,
                                sync,
                                Optional.of(BITMAP.value()),
                                Optional.of(BitmapMode.ON_SUCCESS),
                                BackupTarget.ARCHIVE))
                        .toArray(Action[]::new));
    }

    /** Adds another bitmap: a seal and a control event, whatever runs. */
    void addBitmap(String drive, String bitmap) {
        transact(Completion.INDIVIDUAL, new Action.AddBitmap(drive, bitmap, Optional.empty(), true, Recording.ENABLED));
    }

    List<StartedBackup> transact(Completion completion, Action... actions) {
        Transacted transacted = agent.transact(List.of(actions), completion, agent.newSyncPointId());
        return assertInstanceOf(Transacted.Done.class, transacted, transacted::toString)
                .backups();
    }

    @Override
    public void close() throws IOException {
        publishing.ifPresent(Publishing::close);
        agent.close();
    }
}
