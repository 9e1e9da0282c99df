package io.varve.chaos;

import io.varve.archive.store.ObjectStore;
import io.varve.archive.store.WhenMissing;
import io.varve.chaos.SyncPointProof.Archived;
import io.varve.cli.stack.Member;
import io.varve.cli.stack.Stack;
import io.varve.cli.stack.StackConfig;
import io.varve.cli.stack.StackRole;
import io.varve.formats.nbd.NbdAddress;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * Many writes while the broker is stopped: no guest sees it, the agent's heap stays flat (I10), and once the broker is
 * back the next increment has all of them. Thread: its owner's only.
 */
final class KafkaAway {
    static final long GROWTH_BYTES_MAX = 16L << 20;

    private static final String DRIVE = "drive0";
    private static final long DRIVE_BYTES = 64L << 20;
    private static final int WRITERS = 4;
    private static final int WARM_UP_DIVISOR = 10;
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final double MEBIBYTE = 1 << 20;

    private final Stack stack;
    private final Path folder;
    private final EventLog events;
    private final List<BusyWriter> writers = new ArrayList<>();

    private KafkaAway(Stack stack, Path folder, EventLog events, long seed) {
        this.stack = stack;
        this.folder = folder;
        this.events = events;
        SplittableRandom random = new SplittableRandom(seed);
        int sectors = (int) (DRIVE_BYTES / SectorContent.SECTOR_BYTES / WRITERS);
        for (int index = 0; index < WRITERS; index++) {
            SectorContent content = new SectorContent(random.nextLong());
            Territory territory = new Territory(DRIVE, index, (long) index * sectors, sectors, content);
            writers.add(new BusyWriter(territory, random.split()));
        }
    }

    /**
     * What is run.
     *
     * @param writes while the broker is stopped
     */
    record Settings(int writes, long seed) {}

    /**
     * What was measured.
     *
     * @param heapBeforeBytes of the agent after a collection, with the broker just gone
     * @param heapAfterBytes after all writes
     */
    record Finding(int writes, double seconds, long heapBeforeBytes, long heapAfterBytes) {
        @Override
        public String toString() {
            return String.format(
                    Locale.ROOT,
                    "%d writes without an error in %.1f s with the broker stopped; the agent's heap after a collection"
                            + " %.1f MiB before, %.1f MiB after; the next increment had them all",
                    writes,
                    seconds,
                    heapBeforeBytes / MEBIBYTE,
                    heapAfterBytes / MEBIBYTE);
        }
    }

    /**
     * Runs it in an empty folder.
     *
     * @throws RoundFailedException which promise was broken
     */
    static Finding run(Path folder, EventLog events, Settings settings)
            throws IOException, InterruptedException, RoundFailedException {
        Path image = ChaosStack.image(folder, DRIVE, DRIVE_BYTES);
        StackConfig config = StackConfig.of(folder.resolve("data"), List.of(DRIVE + "=" + image));
        try (Stack stack = Stack.start(config, events.asStream())) {
            return new KafkaAway(stack, folder, events, settings.seed()).run(settings.writes());
        }
    }

    private Finding run(int writes) throws IOException, InterruptedException, RoundFailedException {
        int warmUp = Math.max(1, writes / WARM_UP_DIVISOR / WRITERS);
        writeAll(warmUp);
        String first = settled();
        events.say("sync point " + first + " is committed; the broker is stopped");
        stack.broker().takeDown();
        AgentHeap heap =
                new AgentHeap(stack.role(StackRole.CAPTURE).flatMap(Member::pid).orElseThrow());
        writeAll(warmUp);
        long before = heap.usedBytesAfterCollection();
        long startNanos = System.nanoTime();
        int each = writes / WRITERS;
        writeAll(each);
        double seconds = (System.nanoTime() - startNanos) / 1e9;
        Finding finding = new Finding(each * WRITERS, seconds, before, heap.usedBytesAfterCollection());
        if (finding.heapAfterBytes() - finding.heapBeforeBytes() > GROWTH_BYTES_MAX) {
            throw new RoundFailedException(
                    "the agent's heap grew by more than " + GROWTH_BYTES_MAX + " bytes: " + finding);
        }
        stack.broker().bringUp();
        if (!stack.broker().awaitServing(PATIENCE)) {
            throw new RoundFailedException("the broker didn't come back within " + PATIENCE.toSeconds() + " s");
        }
        prove(settled());
        return finding;
    }

    private void writeAll(int each) throws RoundFailedException {
        List<CompletableFuture<Void>> running = writers.stream()
                .map(writer -> CompletableFuture.runAsync(
                        () -> write(writer, each),
                        task -> Thread.ofPlatform().daemon().name("busy-writer").start(task)))
                .toList();
        try {
            running.forEach(CompletableFuture::join);
        } catch (CompletionException e) {
            throw new RoundFailedException("a guest saw an error: " + e.getMessage());
        }
    }

    private void write(BusyWriter writer, int count) {
        try {
            writer.write(stack.unixExport(DRIVE), count);
        } catch (IOException e) {
            throw new CompletionException(e);
        }
    }

    private String settled() throws InterruptedException, RoundFailedException {
        Backups backups = new Backups(NbdAddress.parse(stack.agent()), events);
        return new Settling(backups, events).take(false, cut -> {});
    }

    private void prove(String id) throws IOException, RoundFailedException {
        try (ObjectStore store = stack.archive().open(WhenMissing.REFUSE)) {
            SyncPointProof proof = new SyncPointProof(store, folder.resolve("restored"));
            Archived archived = proof.archived(id)
                    .orElseThrow(() -> new RoundFailedException("sync point " + id + " isn't in the archive"));
            if (archived.drives().containsValue(true)) {
                throw new RoundFailedException("sync point " + id + " is a full backup, which nobody asked for");
            }
            Map<String, Path> restored = proof.restore(id, archived);
            try (FileChannel raw =
                    FileChannel.open(Objects.requireNonNull(restored.get(DRIVE)), StandardOpenOption.READ)) {
                for (BusyWriter writer : writers) {
                    Optional<String> objection = writer.objection(raw);
                    if (objection.isPresent()) {
                        throw new RoundFailedException("sync point " + id + " lacks a write: " + objection.get());
                    }
                }
            }
            proof.delete(restored);
        }
    }
}
