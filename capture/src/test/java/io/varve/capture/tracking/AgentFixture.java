package io.varve.capture.tracking;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.varve.capture.backend.BackendAccess;
import io.varve.capture.backend.RawFileBackend;
import io.varve.capture.nbd.Completion;
import io.varve.capture.nbd.Export;
import io.varve.capture.nbd.ExportRegistry;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Recording;
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
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;

/** An agent over raw files in a folder, and the ways in which tests use one. */
public final class AgentFixture implements AutoCloseable {
    static final UUID BOOT = new UUID(11, 12);

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
            try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
                file.setLength(sizeBytes);
            }
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

    public Path image(String drive) {
        return directory.resolve(drive + ".raw");
    }

    public Agent agent() {
        return agent;
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
