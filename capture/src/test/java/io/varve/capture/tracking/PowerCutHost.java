package io.varve.capture.tracking;

import io.varve.capture.activity.ActivityOptions;
import io.varve.capture.journal.DurableFiles;
import io.varve.capture.nbd.Completion;
import io.varve.capture.nbd.ExportRegistry;
import io.varve.capture.power.PowerBackend;
import io.varve.capture.power.PowerDisk;
import io.varve.capture.power.PowerFileSystem;
import io.varve.capture.snapshot.CopyBuffers;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.DriveState;
import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;
import io.varve.core.transaction.Action;
import io.varve.core.transaction.Plan;
import io.varve.core.transaction.Transaction;
import io.varve.formats.nbd.NbdError;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/** A host whose disk loses power, and one attached drive on it; everything happens on the caller's thread. */
final class PowerCutHost {
    static final long SIZE_BYTES = 64L << 22;
    static final DriveId DRIVE = new DriveId("disk0");

    private final PowerDisk disk;
    private final PowerFileSystem files;
    private final Path memory;
    private final CoarseClock clock;
    private final SplittableRandom random;
    private final ActivityOptions activity;
    private ExportRegistry exports = new ExportRegistry();
    private long syncPoints;
    private UUID boot = new UUID(1, 1);

    AttachedDrive drive;
    PowerBackend backend;
    AgentMeans means;

    /** @param memory what doesn't outlive the host */
    @SuppressWarnings("NullAway") // until it's attached
    PowerCutHost(PowerDisk disk, Path memory, CoarseClock clock, SplittableRandom random, ActivityOptions activity)
            throws IOException {
        this.disk = disk;
        this.files = new PowerFileSystem(disk);
        this.memory = memory;
        this.clock = clock;
        this.random = random;
        this.activity = activity;
        Files.createDirectory(files.getPath("/state"));
        Path images = Files.createDirectory(files.getPath("/images"));
        DurableFiles.replace(images.resolve("disk0.raw"), channel -> {});
    }

    void attach() throws IOException {
        exports = new ExportRegistry();
        AgentOptions options = new AgentOptions(
                files.getPath("/state"), memory, memory, Long.MAX_VALUE, 5_000, "unix:/none", activity);
        DirectExecutor direct = new DirectExecutor();
        means = new AgentMeans(
                options,
                new AgentSurroundings(exports, InstantSource.system(), System::nanoTime, random, boot),
                new AgentThreads(direct, direct, direct, clock),
                new CopyBuffers());
        Path image = files.getPath("/images/disk0.raw");
        backend = new PowerBackend(image, SIZE_BYTES);
        drive = AttachedDrive.attach(new DriveImage(DRIVE, image, backend), means, new ReentrantLock(), () -> {});
        drive.offer();
    }

    DriveState state() {
        return drive.state();
    }

    List<StartedBackup> transact(Action... actions) {
        TreeMap<DriveId, DriveState> states = new TreeMap<>();
        states.put(DRIVE, drive.state());
        TreeMap<DriveId, AttachedDrive> drives = new TreeMap<>();
        drives.put(DRIVE, drive);
        SyncPointId id = new SyncPointId("sp-" + ++syncPoints + "-" + Math.abs(random.nextInt()));
        Plan plan = Transaction.plan(
                states, List.of(actions), io.varve.core.drive.Completion.INDIVIDUAL, id, new AgentRules(drives));
        if (!(plan instanceof Plan.Planned planned)) {
            throw new AssertionError(plan.toString());
        }
        return switch (new TransactionRun(d -> drive, means).run(planned)) {
            case Transacted.Done(List<StartedBackup> backups) -> backups;
            case Transacted.Refused(String reason) -> throw new AssertionError(reason);
        };
    }

    void conclude(BackupKey key, Conclusion conclusion) throws IOException {
        boolean _ = drive.backups().conclude(key, conclusion);
    }

    /** Runs a request to its end, well or not. */
    boolean request(Consumer<Completion> request) {
        boolean[] done = new boolean[1];
        request.accept(new Completion() {
            @Override
            public boolean isAwaited() {
                return true;
            }

            @Override
            public void done() {
                done[0] = true;
            }

            @Override
            public void failed(NbdError error, String reason) {
                done[0] = false;
            }
        });
        return done[0];
    }

    io.varve.capture.nbd.Export export() {
        return drive.export();
    }

    io.varve.capture.nbd.Export export(String name) {
        return exports.find(name).orElseThrow();
    }

    /** The process dies: what it mapped stays, and what the kernel knows. */
    void kill(List<StartedBackup> running) {
        running.forEach(backup -> backup.snapshot().release());
        drive.abandon(new IOException("the process was killed"));
    }

    /** The host is started anew after a power cut. */
    void reboot(SplittableRandom fate) throws IOException {
        forgetMemory(memory);
        boot = new UUID(fate.nextLong(), fate.nextLong());
        disk.restart(fate);
    }

    private static void forgetMemory(Path folder) throws IOException {
        try (DirectoryStream<Path> left = Files.newDirectoryStream(folder)) {
            for (Path path : left) {
                if (Files.isDirectory(path)) {
                    forgetMemory(path);
                }
                Files.delete(path);
            }
        }
    }
}
