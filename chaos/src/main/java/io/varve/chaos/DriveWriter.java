package io.varve.chaos;

import io.varve.chaos.RecordedWrite.Outcome;
import io.varve.formats.nbd.NbdUri;
import io.varve.transfer.nbd.Durability;
import io.varve.transfer.nbd.NbdClient;
import io.varve.transfer.nbd.NbdClientOptions;
import io.varve.transfer.nbd.NbdException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Writes its territory without end, one write at a time, and keeps a history of it. When the agent dies it connects
 * again as soon as one serves, and first reads what became of the write in flight, as a guest that boots would.
 *
 * <p>Thread: one of its own; the other methods are safe for any thread.
 */
final class DriveWriter implements AutoCloseable {
    private static final int WRITE_SECTORS_MAX = 64;
    private static final int HOT_SECTORS = 512;
    private static final long THINK_NANOS_MAX = TimeUnit.MILLISECONDS.toNanos(4);
    private static final long RETRY_NANOS = TimeUnit.MILLISECONDS.toNanos(5);
    /** Longer than any pause of the agent: a request that takes longer than that counts as lost. */
    private static final NbdClientOptions OPTIONS =
            new NbdClientOptions(Duration.ofMinutes(1), Duration.ofMinutes(2), 4);

    private final WriterHistory history;
    private final NbdUri uri;
    private final SplittableRandom random;
    private final Acknowledgements acknowledgements;
    private final AtomicLong losses = new AtomicLong();
    private final Thread thread;
    private volatile boolean stopped;
    private volatile Optional<String> failure = Optional.empty();
    /** Thread: its own. */
    private int version;
    /** Thread: its own. */
    private boolean isLastUnknown;

    private DriveWriter(WriterHistory history, NbdUri uri, SplittableRandom random, Acknowledgements acknowledgements) {
        this.history = history;
        this.uri = uri;
        this.random = random;
        this.acknowledgements = acknowledgements;
        this.thread = Thread.ofPlatform()
                .daemon()
                .name("writer-" + history.territory())
                .unstarted(this::run);
    }

    static DriveWriter start(
            WriterHistory history, NbdUri uri, SplittableRandom random, Acknowledgements acknowledgements) {
        DriveWriter writer = new DriveWriter(history, uri, random, acknowledgements);
        writer.thread.start();
        return writer;
    }

    WriterHistory history() {
        return history;
    }

    /** How often it lost its connection. */
    long losses() {
        return losses.get();
    }

    /** What a guest must never see: an error reply, or content that it didn't write. */
    Optional<String> failure() {
        return failure;
    }

    private void run() {
        while (!stopped && failure.isEmpty()) {
            try (NbdClient client = NbdClient.connect(uri, List.of(), OPTIONS)) {
                writeOn(client);
            } catch (IOException e) {
                // No agent serves at present.
                LockSupport.parkNanos(RETRY_NANOS);
            }
        }
    }

    private void writeOn(NbdClient client) {
        try {
            if (isLastUnknown) {
                readLast(client);
            }
            while (!stopped && failure.isEmpty()) {
                writeOne(client);
                LockSupport.parkNanos(random.nextLong(THINK_NANOS_MAX));
            }
        } catch (NbdException e) {
            failure = Optional.of("writer " + history.territory() + " got an error reply: " + e.getMessage());
        } catch (IOException e) {
            losses.incrementAndGet();
        }
    }

    private void writeOne(NbdClient client) throws IOException {
        Territory territory = history.territory();
        int sectors = 1 + random.nextInt(WRITE_SECTORS_MAX);
        boolean isHot = random.nextInt(8) != 0;
        int first = random.nextInt((isHot ? HOT_SECTORS : territory.sectors()) - sectors + 1);
        int kind = random.nextInt(24);
        version++;
        RecordedWrite write =
                new RecordedWrite(version, first, sectors, kind == 0, System.nanoTime(), new Outcome.Unknown());
        ByteBuffer data = data(write);
        history.add(write);
        isLastUnknown = true;
        long offsetBytes = (territory.firstSector() + first) * SectorContent.SECTOR_BYTES;
        Durability durability = kind == 1 ? Durability.DURABLE : Durability.CACHED;
        if (write.zeroes()) {
            client.writeZeroes(offsetBytes, data.remaining(), durability);
        } else {
            client.write(offsetBytes, data, durability);
        }
        long nowNanos = System.nanoTime();
        history.end(new Outcome.Acknowledged(nowNanos));
        isLastUnknown = false;
        acknowledgements.add(write.begunNanos(), nowNanos);
        if (kind == 2) {
            client.flush();
        }
    }

    private ByteBuffer data(RecordedWrite write) {
        Territory territory = history.territory();
        ByteBuffer data = ByteBuffer.allocate(write.sectors() * SectorContent.SECTOR_BYTES);
        for (int index = 0; index < write.sectors() && !write.zeroes(); index++) {
            territory.content().put(data, territory.firstSector() + write.first() + index, write.version());
        }
        return data.clear();
    }

    private void readLast(NbdClient client) throws IOException {
        Territory territory = history.territory();
        RecordedWrite write = history.view().writes().getLast();
        SectorVersions before = history.versionsBeforeLast();
        ByteBuffer data = ByteBuffer.allocate(write.sectors() * SectorContent.SECTOR_BYTES);
        long firstSector = territory.firstSector() + write.first();
        client.read(firstSector * SectorContent.SECTOR_BYTES, data);
        BitSet made = new BitSet();
        for (int index = 0; index < write.sectors(); index++) {
            int at = index * SectorContent.SECTOR_BYTES;
            long sector = firstSector + index;
            boolean isNew = territory.content().isAt(data, at, sector, write.content());
            made.set(index, isNew);
            if (!isNew && !territory.content().isAt(data, at, sector, before.get(write.first() + index))) {
                failure = Optional.of("writer " + territory + " found in sector " + sector + " neither its version "
                        + write.version() + ", whose reply never came, nor version " + before.get(write.first() + index)
                        + " from before, but what says it's version " + SectorContent.claimedVersion(data, at));
            }
        }
        history.end(new Outcome.Read(System.nanoTime(), made));
        isLastUnknown = false;
    }

    @Override
    public void close() throws InterruptedException {
        stopped = true;
        thread.join();
    }
}
