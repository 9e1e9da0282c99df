package io.varve.capture.tracking;

import io.varve.capture.backend.BackendAccess;
import io.varve.capture.backend.RawFileBackend;
import io.varve.capture.nbd.Export;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Conclusion;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import io.varve.core.transaction.Action;
import io.varve.embedded.child.ParentWatch;
import io.varve.embedded.child.ReadyLine;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;

/** An agent in a process of its own, made to be killed by {@link RecoveryTest}. */
final class KilledAgentMain {
    static final long SIZE_BYTES = 4 << 20;
    static final int INTENT_BYTES = Long.BYTES + Integer.BYTES;

    private final Path directory;
    private final AgentFixture fixture;
    private final SplittableRandom random;

    private KilledAgentMain(Path directory, AgentFixture fixture, SplittableRandom random) {
        this.directory = directory;
        this.fixture = fixture;
        this.random = random;
    }

    /**
     * Does as it is told until it is killed.
     *
     * @param arguments folder, what to do, seed
     */
    public static void main(String... arguments) throws Exception {
        ParentWatch.start(System.in, () -> Runtime.getRuntime().halt(3));
        Path directory = Path.of(arguments[0]);
        KilledAgentMain agent = new KilledAgentMain(
                directory, AgentFixture.open(directory), new SplittableRandom(Long.parseLong(arguments[2])));
        try {
            switch (arguments[1]) {
                case "write" -> agent.writeAndCut();
                case "rest" -> agent.rest();
                case "seal" -> agent.blockASeal();
                default -> throw new IllegalArgumentException(arguments[1]);
            }
            new CountDownLatch(1).await();
        } catch (IOException | RuntimeException | Error e) {
            e.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
    }

    /** Writes from two threads, each write noted before it begins, while bitmaps come, go and are backed up. */
    private void writeAndCut() throws IOException {
        Export export = fixture.attach("disk0", SIZE_BYTES);
        if (fixture.state("disk0").bitmaps().isEmpty()) {
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.add("disk0", "all"));
        }
        for (int writer = 0; writer < 2; writer++) {
            SplittableRandom own = random.split();
            Thread.ofPlatform().start(() -> {
                try (FileChannel intents = intents()) {
                    while (true) {
                        write(export, intents, own);
                    }
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        }
        new ReadyLine("disk0").print(System.out);
        while (true) {
            change("b" + random.nextInt(3));
        }
    }

    private void change(String name) throws IOException {
        if (fixture.state("disk0").bitmap(new BitmapName(name)).isEmpty()) {
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.add("disk0", name));
        } else if (random.nextInt(3) == 0) {
            fixture.transact(Completion.INDIVIDUAL, new Action.RemoveBitmap("disk0", name));
        } else {
            StartedBackup backup = fixture.transact(Completion.INDIVIDUAL, AgentFixture.incremental("disk0", name))
                    .getFirst();
            Conclusion conclusion = random.nextBoolean() ? new Conclusion.Written() : new Conclusion.Failed("test");
            fixture.agent().conclude(new DriveId("disk0"), backup.mark().key(), conclusion);
        }
    }

    private FileChannel intents() throws IOException {
        return FileChannel.open(directory.resolve("intents"), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    private static void write(Export export, FileChannel intents, SplittableRandom random) throws IOException {
        long offsetBytes = random.nextLong(SIZE_BYTES / 512) * 512;
        int lengthBytes = (int) Math.min(512L * (1 + random.nextInt(300)), SIZE_BYTES - offsetBytes);
        intents.write(ByteBuffer.allocate(INTENT_BYTES)
                .putLong(offsetBytes)
                .putInt(lengthBytes)
                .flip());
        AgentFixture.write(export, offsetBytes, new byte[lengthBytes]);
    }

    /** Serves drives with a bitmap and a running backup each, the last of which isn't a regular file. */
    private void rest() throws IOException {
        for (String drive : RecoveryTest.RESTING) {
            var _ = fixture.attach(drive, SIZE_BYTES);
        }
        Path image = fixture.image("device");
        AgentFixture.makeImage(image, SIZE_BYTES);
        fixture.agent()
                .attach(new DriveImage(
                        new DriveId("device"),
                        Path.of("/dev/null"),
                        RawFileBackend.open(image, BackendAccess.READ_WRITE)));
        for (DriveId id : List.copyOf(fixture.agent().states().keySet())) {
            String drive = id.value();
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.add(drive, "a"));
            AgentFixture.write(fixture.export(drive), 0, new byte[512]);
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.incremental(drive, "a"));
            AgentFixture.write(fixture.export(drive), 131_072, new byte[512]);
        }
        new ReadyLine("all").print(System.out);
    }

    /**
     * Cuts, and never comes to make it durable: the file of the sealed marks is a pipe that nobody reads. Guests go on
     * meanwhile.
     */
    private void blockASeal() throws IOException, InterruptedException {
        Export export = fixture.attach("disk0", SIZE_BYTES);
        fixture.transact(Completion.INDIVIDUAL, AgentFixture.add("disk0", "a"));
        AgentFixture.write(export, 0, new byte[512]);
        long sealed = fixture.state("disk0").open().number();
        Path pipe = directory.resolve("state/disk0").resolve(sealed + ".marks.new");
        if (new ProcessBuilder("mkfifo", pipe.toString()).inheritIO().start().waitFor() != 0) {
            throw new IOException("mkfifo failed");
        }
        Thread.ofPlatform().start(() -> fixture.transact(Completion.INDIVIDUAL, AgentFixture.add("disk0", "b")));
        Path next = directory.resolve("live/disk0");
        while (!isSwapped(next, sealed + 1)) {
            AgentFixture.write(export, 131_072, new byte[512]);
        }
        AgentFixture.write(export, 262_144, new byte[512]);
        new ReadyLine("sealing").print(System.out);
    }

    /** Whether a write was marked in the next generation. */
    private static boolean isSwapped(Path live, long generation) throws IOException {
        try (var files = Files.newDirectoryStream(live, generation + "-*.live")) {
            for (Path file : files) {
                var set = LiveSet.open(file);
                if (set.isPresent()) {
                    try (LiveSet found = set.get()) {
                        return !found.marks().isEmpty();
                    }
                }
            }
        }
        return false;
    }
}
