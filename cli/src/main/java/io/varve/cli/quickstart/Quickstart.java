package io.varve.cli.quickstart;

import io.varve.archive.store.WhenMissing;
import io.varve.cli.stack.Stack;
import io.varve.cli.stack.StackConfig;
import java.io.IOException;
import java.io.PrintStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The whole pipeline on this machine, proving itself: two drives are filled with real data, written all the time,
 * backed up, restored from the bucket alone, and compared with what their writers remember.
 *
 * <p>Thread: one run at a time.
 */
public final class Quickstart {
    private static final List<String> DRIVES = List.of("drive0", "drive1");
    private static final long DRIVE_BYTES = 256L << 20;
    private static final int PAUSED_SYNC_POINTS = 4;
    private static final long WRITES_UNTIL_COMMIT_MIN = 100;
    private static final long MEBIBYTE = 1 << 20;

    private final Path folder;
    private final PrintStream out;
    private final long seed;
    private final long startNanos = System.nanoTime();

    /** A quickstart in an empty folder, whose writers draw what they write from {@code seed}. */
    public Quickstart(Path folder, PrintStream out, long seed) {
        this.folder = folder;
        this.out = out;
        this.seed = seed;
    }

    /** Runs it; whether everything held. */
    public boolean run() throws IOException, InterruptedException {
        say("folder " + folder + ", seed " + seed);
        Path scratch = Files.createDirectory(folder.resolve("scratch"));
        CompletableFuture<List<RealData>> data = realData(scratch);
        List<String> drives = new ArrayList<>();
        for (String drive : DRIVES) {
            drives.add(drive + "=" + makeImage(drive));
        }
        try (Stack stack = Stack.start(StackConfig.of(folder, drives), out)) {
            say("the stack is up: broker, S3 server, streams, sink and agent, each a process of its own");
            List<TakenSyncPoint> taken;
            try (Guests guests = new Guests()) {
                populate(stack, guests, join(data));
                taken = takeSyncPoints(stack, guests);
            }
            List<VerifiedDrive> verified = verify(stack, taken, scratch);
            delete(scratch);
            new Report(out).print(verified);
            boolean holds = holds(taken, verified);
            explain(stack, taken, holds);
            return holds;
        }
    }

    private CompletableFuture<List<RealData>> realData(Path scratch) {
        return CompletableFuture.supplyAsync(
                () -> {
                    List<RealData> made = new ArrayList<>();
                    for (int part = 0; part < DRIVES.size(); part++) {
                        try {
                            made.add(RealData.make(scratch, part, DRIVES.size()));
                        } catch (IOException | InterruptedException e) {
                            throw new CompletionException(e);
                        }
                    }
                    return made;
                },
                task -> Thread.ofPlatform().daemon().name("real-data").start(task));
    }

    private static <T> T join(CompletableFuture<T> future) throws IOException {
        try {
            return future.join();
        } catch (CompletionException e) {
            throw new IOException(
                    e.getCause() == null ? e.getMessage() : e.getCause().getMessage(), e);
        }
    }

    private Path image(String drive) {
        return folder.resolve(drive + ".raw");
    }

    private Path makeImage(String drive) throws IOException {
        Path image = image(drive);
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(DRIVE_BYTES);
        }
        return image;
    }

    private void populate(Stack stack, Guests guests, List<RealData> data) throws IOException {
        SplittableRandom random = new SplittableRandom(seed);
        for (int index = 0; index < DRIVES.size(); index++) {
            String drive = DRIVES.get(index);
            DriveModel model = DriveModel.ofZeros(DRIVE_BYTES);
            RealData content = data.get(index);
            fill(stack, drive, content.image(), model);
            Files.delete(content.image());
            say(drive + " holds an ext4 file system with " + content.files() + " files of this machine, "
                    + content.contentBytes() / MEBIBYTE + " MiB, written through NBD");
            guests.visit(drive, stack.unixExport(drive), model, random.split());
        }
    }

    private static void fill(Stack stack, String drive, Path image, DriveModel model) throws IOException {
        try (FileChannel channel = FileChannel.open(image, StandardOpenOption.READ);
                DriveFiller filler = DriveFiller.connect(stack.unixExport(drive))) {
            ByteBuffer block = ByteBuffer.allocate(DriveModel.BLOCK_BYTES);
            for (int number = 0; number < channel.size() / DriveModel.BLOCK_BYTES; number++) {
                DriveModel.readBlock(channel, number, block);
                if (!model.matches(number, block)) {
                    filler.write((long) number * DriveModel.BLOCK_BYTES, block);
                    model.write((long) number * DriveModel.BLOCK_BYTES, block);
                }
            }
        }
    }

    private List<TakenSyncPoint> takeSyncPoints(Stack stack, Guests guests) throws IOException, InterruptedException {
        List<TakenSyncPoint> taken = new ArrayList<>();
        try (Backups backups = Backups.connect(stack)) {
            for (int number = 0; number < PAUSED_SYNC_POINTS; number++) {
                taken.add(takePaused(backups, guests));
            }
            taken.add(takeUnpaused(backups, guests));
        }
        guests.check();
        return taken;
    }

    private TakenSyncPoint takePaused(Backups backups, Guests guests) throws IOException, InterruptedException {
        long begunNanos = System.nanoTime();
        String id;
        Map<String, DriveModel> remembered;
        long ackedAtCut;
        guests.pause();
        try {
            id = backups.cut();
            remembered = guests.remember();
            ackedAtCut = guests.acked();
        } finally {
            guests.goOn();
        }
        return committed(backups, guests, new Cut(id, new Expected.Remembered(remembered), ackedAtCut, begunNanos));
    }

    private TakenSyncPoint takeUnpaused(Backups backups, Guests guests) throws IOException, InterruptedException {
        guests.startRecording();
        long begunNanos = System.nanoTime();
        String id = backups.cut();
        long answeredNanos = System.nanoTime();
        long ackedAtCut = guests.acked();
        List<WriteHistory> histories = guests.stopRecording();
        Expected expected = new Expected.Legal(histories, begunNanos, answeredNanos);
        return committed(backups, guests, new Cut(id, expected, ackedAtCut, begunNanos));
    }

    private record Cut(String id, Expected expected, long ackedAtCut, long begunNanos) {}

    private TakenSyncPoint committed(Backups backups, Guests guests, Cut cut) throws IOException, InterruptedException {
        backups.awaitCommitted(cut.id());
        guests.check();
        Duration duration = Duration.ofNanos(System.nanoTime() - cut.begunNanos());
        long writes = guests.acked() - cut.ackedAtCut();
        say(cut.id() + ": committed, " + writes + " writes acknowledged between its cut and its commit"
                + (cut.expected() instanceof Expected.Legal ? " (writers didn't pause)" : ""));
        return new TakenSyncPoint(cut.id(), cut.expected(), writes, duration);
    }

    private List<VerifiedDrive> verify(Stack stack, List<TakenSyncPoint> taken, Path scratch)
            throws IOException, InterruptedException {
        List<VerifiedDrive> verified = new ArrayList<>();
        try (var store = stack.archive().open(WhenMissing.REFUSE)) {
            var qemu = QemuImages.find(store, scratch.resolve("images"));
            say("restoring every sync point from the bucket alone, comparing byte for byte"
                    + (qemu.isPresent()
                            ? ", and with qemu-img check and compare"
                            : " (qemu-img isn't installed: no second opinion)"));
            Path restored = Files.createDirectory(scratch.resolve("restored"));
            Verification verification = new Verification(store, restored, qemu);
            for (TakenSyncPoint syncPoint : taken) {
                verified.addAll(verification.verify(syncPoint));
            }
        }
        return verified;
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> found = Files.walk(folder)) {
            for (Path path : found.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    private boolean holds(List<TakenSyncPoint> taken, List<VerifiedDrive> verified) {
        boolean complete = verified.size() == taken.size() * DRIVES.size();
        if (!complete) {
            out.printf("Only %d of %d backups are committed.%n", verified.size(), taken.size() * DRIVES.size());
        }
        Map<String, Long> idle = new TreeMap<>();
        taken.stream()
                .filter(t -> t.writesUntilCommit() < WRITES_UNTIL_COMMIT_MIN)
                .forEach(t -> idle.put(t.id(), t.writesUntilCommit()));
        idle.forEach((id, writes) -> out.printf(
                "Sync point %s saw only %d writes until its commit; expected %d.%n",
                id, writes, WRITES_UNTIL_COMMIT_MIN));
        return complete && idle.isEmpty() && verified.stream().allMatch(VerifiedDrive::holds);
    }

    private void explain(Stack stack, List<TakenSyncPoint> taken, boolean holds) {
        // The embedded store keeps a bucket as a folder, and an object as a file in it.
        Path bucket = folder.resolve("store").resolve("varve").resolve("archive");
        out.println(holds ? "Everything held." : "NOT everything held: see the table.");
        out.println();
        out.println("bucket   " + bucket);
        out.println("logs     " + stack.log("*").getParent());
        out.println("again    ./varve up --data " + folder
                + DRIVES.stream().map(drive -> " " + drive + "=" + image(drive)).collect(Collectors.joining()));
        out.println("feed     ./varve feed --config " + folder.resolve("varve.properties") + "     (while that runs)");
        out.println("restore  ./varve restore --archive file:" + bucket + " --sync-point "
                + taken.getLast().id() + " --to DIR");
    }

    private void say(String what) {
        double seconds = (System.nanoTime() - startNanos) / 1e9;
        out.printf(Locale.ROOT, "%5.1f s  %s%n", seconds, what);
    }
}
