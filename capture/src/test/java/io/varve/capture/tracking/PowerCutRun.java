package io.varve.capture.tracking;

import io.varve.capture.activity.ActivityOptions;
import io.varve.capture.backend.ZeroMode;
import io.varve.capture.power.PowerCut;
import io.varve.capture.power.PowerDisk;
import io.varve.core.activity.RegionSpan;
import io.varve.core.bits.Marks;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.Recording;
import io.varve.core.drive.Trust;
import io.varve.core.id.BitmapName;
import io.varve.core.transaction.Action;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * One seed's life of a drive: writes, cuts, backups, detaches, kills and power cuts. After each of the last the bitmap
 * must be sound, and the increment that it gives must make the chain of backups the image, sector by sector.
 */
final class PowerCutRun {
    private static final int SECTOR_BYTES = 512;
    private static final int GRANULE_SHIFT = 16;
    private static final String CHAIN = "chain";
    private static final String OTHER = "other";

    private final SplittableRandom random;
    private final PowerDisk disk;
    private final PowerCutHost host;
    /** What a restore of the backups so far would read; sectors that aren't here are zeroes, as in the image. */
    private final Map<Long, byte[]> archive = new TreeMap<>();

    private final List<StartedBackup> running = new ArrayList<>();
    /** What {@code OTHER} must hold at least. */
    private final BitSet promised = new BitSet();

    private boolean isOtherEnabled;
    int cuts;

    PowerCutRun(PowerDisk disk, Path memory, CoarseClock clock, SplittableRandom random) throws IOException {
        this.random = random;
        this.disk = disk;
        this.host =
                new PowerCutHost(disk, memory, clock, random.split(), new ActivityOptions(true, 1 + random.nextInt(6)));
    }

    void run() throws IOException {
        host.attach();
        running.addAll(host.transact(
                new Action.AddBitmap(PowerCutHost.DRIVE.value(), CHAIN, Optional.empty(), true, Recording.ENABLED),
                AgentFixture.full(PowerCutHost.DRIVE.value())));
        finish(true);
        int rounds = 1 + random.nextInt(3);
        for (int round = 0; round < rounds; round++) {
            disk.cutAfter(random.nextInt(10, 400));
            live();
            recover();
        }
    }

    private void live() throws IOException {
        try {
            while (true) {
                step();
            }
        } catch (PowerCut e) {
            cuts++;
            host.kill(running);
            running.clear();
        }
    }

    private void recover() throws IOException {
        host.reboot(random.split());
        if (random.nextInt(3) == 0) {
            disk.cutAfter(random.nextInt(12));
            try {
                host.attach();
                host.kill(running);
            } catch (PowerCut e) {
                cuts++;
            }
            host.reboot(random.split());
        }
        host.attach();
        check();
    }

    private void step() throws IOException {
        disk.checkPower();
        switch (random.nextInt(64)) {
            case 0, 1 -> backup();
            case 2, 3, 4 -> finish(random.nextInt(3) > 0);
            case 5, 6 -> {
                boolean _ = host.request(completion -> host.export().flush(completion));
            }
            case 7 -> changeOther();
            case 8 -> detach();
            case 9 -> {
                host.kill(running);
                running.clear();
                host.attach();
            }
            case 10 -> zeroMuch();
            case 11 -> {
                host.backend.beforeNextWrite(this::cutWithin);
                write();
            }
            default -> write();
        }
    }

    private void cutWithin() {
        try {
            changeOther();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private void write() {
        long offsetBytes = random.nextLong(64) << RegionSpan.REGION_SHIFT;
        if (random.nextInt(8) == 0) {
            offsetBytes = Math.max(0, offsetBytes - 1024);
        } else {
            offsetBytes += random.nextInt(3) << GRANULE_SHIFT;
        }
        byte[] data = new byte[SECTOR_BYTES * (1 + random.nextInt(4))];
        random.nextBytes(data);
        long at = offsetBytes;
        boolean wasEnabled = isOtherEnabled;
        if (host.request(completion -> host.export().write(at, ByteBuffer.wrap(data), completion))
                && wasEnabled
                && isOtherEnabled) {
            promised.set((int) (at >> GRANULE_SHIFT), (int) ((at + data.length - 1) >> GRANULE_SHIFT) + 1);
        }
    }

    private void zeroMuch() {
        long offsetBytes = random.nextLong(30) << RegionSpan.REGION_SHIFT;
        long lengthBytes = (1 + random.nextLong(32)) << RegionSpan.REGION_SHIFT;
        boolean _ = host.request(
                completion -> host.export().writeZeroes(offsetBytes, lengthBytes, ZeroMode.KEEP_ALLOCATED, completion));
    }

    private void backup() {
        if (running.isEmpty()) {
            running.addAll(host.transact(AgentFixture.incremental(PowerCutHost.DRIVE.value(), CHAIN)));
        }
    }

    /** Copies what runs, and ends it. */
    private void finish(boolean well) throws IOException {
        for (StartedBackup backup : List.copyOf(running)) {
            disk.checkPower();
            copy(backup);
            running.remove(backup);
            host.conclude(
                    backup.mark().key(), well ? new Conclusion.Written() : new Conclusion.Failed("the test wants it"));
        }
    }

    private void copy(StartedBackup backup) throws IOException {
        Optional<Marks> cut = backup.cut();
        if (cut.isEmpty()) {
            return; // Nothing was written before the first.
        }
        long dirty = cut.get().nextDirty(0);
        while (dirty >= 0) {
            long granule = dirty >> GRANULE_SHIFT << GRANULE_SHIFT;
            for (int sector = 0; sector < 8; sector++) {
                copySector(backup, granule + (long) sector * SECTOR_BYTES);
            }
            for (int sector = 126; sector < 128; sector++) {
                copySector(backup, granule + (long) sector * SECTOR_BYTES);
            }
            long next = granule + (1L << GRANULE_SHIFT);
            dirty = next >= PowerCutHost.SIZE_BYTES ? -1 : cut.get().nextDirty(next);
        }
    }

    private void copySector(StartedBackup backup, long offsetBytes) throws IOException {
        byte[] content = new byte[SECTOR_BYTES];
        host.export(backup.snapshot().name()).read(offsetBytes, ByteBuffer.wrap(content));
        archive.put(offsetBytes / SECTOR_BYTES, content);
    }

    private void changeOther() throws IOException {
        String drive = PowerCutHost.DRIVE.value();
        Optional<Bitmap> other = host.state().bitmap(new BitmapName(OTHER));
        if (other.isEmpty()) {
            promised.clear();
            host.transact(new Action.AddBitmap(drive, OTHER, Optional.empty(), true, Recording.ENABLED));
            isOtherEnabled = true;
        } else if (other.get().isRecording()) {
            isOtherEnabled = false;
            host.transact(new Action.DisableBitmap(drive, OTHER));
        } else if (random.nextBoolean()) {
            host.transact(new Action.EnableBitmap(drive, OTHER));
            isOtherEnabled = true;
        } else {
            promised.clear();
            host.transact(new Action.RemoveBitmap(drive, OTHER));
        }
    }

    private void detach() throws IOException {
        running.clear();
        host.drive.detach();
        host.attach();
    }

    private void check() throws IOException {
        Bitmap chain = host.state().bitmap(new BitmapName(CHAIN)).orElseThrow();
        if (!(chain.status() instanceof BitmapStatus.Idle) || !(host.state().trust() instanceof Trust.Sound)) {
            throw new AssertionError("the bitmap isn't sound: " + host.state());
        }
        Optional<Bitmap> other = host.state().bitmap(new BitmapName(OTHER));
        if (other.isPresent()) {
            Marks marks =
                    host.drive.union(other.get().generations(), other.get().granularity());
            promised.stream()
                    .filter(granule -> !marks.bits().get(granule))
                    .findFirst()
                    .ifPresent(granule -> {
                        throw new AssertionError("bitmap '" + OTHER + "' lost granule " + granule);
                    });
        } else {
            promised.clear();
        }
        isOtherEnabled = other.filter(Bitmap::isRecording).isPresent();
        backup();
        finish(true);
        compare();
    }

    private void compare() throws IOException {
        for (long region = 0; region < 64; region++) {
            for (int granule = 0; granule < 3; granule++) {
                long start = (region << RegionSpan.REGION_SHIFT) + ((long) granule << GRANULE_SHIFT);
                for (long at = Math.max(0, start - 1024); at < start + 4096; at += SECTOR_BYTES) {
                    compareSector(at);
                }
            }
        }
    }

    private void compareSector(long offsetBytes) throws IOException {
        byte[] actual = new byte[SECTOR_BYTES];
        host.backend.read(offsetBytes, ByteBuffer.wrap(actual));
        byte[] restored = archive.getOrDefault(offsetBytes / SECTOR_BYTES, new byte[SECTOR_BYTES]);
        if (!Arrays.equals(actual, restored)) {
            throw new AssertionError("a lost bit: the sector at " + offsetBytes
                    + " isn't what a restore of the backups reads, and no bitmap knows");
        }
    }
}
