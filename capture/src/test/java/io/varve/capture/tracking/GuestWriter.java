package io.varve.capture.tracking;

import io.varve.capture.backend.ZeroMode;
import io.varve.capture.nbd.Export;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A guest's thread: writes to several drives, each write begun only when the one before was acknowledged. */
public final class GuestWriter implements Runnable {
    private static final int SECTORS_MAX = 24;

    private final WriteHistory history;
    private final List<Export> drives;
    private final SplittableRandom random;
    private final int lane;
    private final int lanes;
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private volatile boolean stopped;

    /**
     * A writer to the drives.
     *
     * @param lane this writer's share of each run of {@code lanes} blocks of {@link #SECTORS_MAX} sectors
     */
    public GuestWriter(List<Export> drives, int lane, int lanes, SplittableRandom random) {
        this.drives = drives;
        this.random = random;
        this.lane = lane;
        this.lanes = lanes;
        this.history = new WriteHistory(lane + 1, sector -> sector / SECTORS_MAX % lanes == lane);
    }

    public WriteHistory history() {
        return history;
    }

    public void stop() {
        stopped = true;
    }

    /** Fails when the writer ended by itself. */
    public void check() {
        Throwable ended = failure.get();
        if (ended != null) {
            throw new AssertionError("I9: a guest's write failed", ended);
        }
    }

    @Override
    public void run() {
        try {
            while (!stopped) {
                writeOnce();
            }
        } catch (RuntimeException | Error e) {
            failure.set(e);
        }
    }

    private void writeOnce() {
        int drive = random.nextInt(drives.size());
        Export export = drives.get(drive);
        long blocks = export.sizeBytes() / WriteHistory.SECTOR_BYTES / SECTORS_MAX / lanes;
        long block = random.nextLong(blocks) * lanes + lane;
        int skip = random.nextInt(SECTORS_MAX);
        int sectors = 1 + random.nextInt(SECTORS_MAX - skip);
        boolean zeroes = random.nextInt(8) == 0;
        WriteHistory.Write write = history.begin(
                zeroes ? WriteHistory.Kind.ZEROES : WriteHistory.Kind.DATA, drive, block * SECTORS_MAX + skip, sectors);
        long offsetBytes = write.firstSector() * WriteHistory.SECTOR_BYTES;
        if (zeroes) {
            long lengthBytes = (long) sectors * WriteHistory.SECTOR_BYTES;
            AgentFixture.ended(c -> export.writeZeroes(offsetBytes, lengthBytes, ZeroMode.MAY_PUNCH, c));
        } else {
            AgentFixture.write(export, offsetBytes, history.content(write));
        }
        history.acknowledge(write);
    }
}
