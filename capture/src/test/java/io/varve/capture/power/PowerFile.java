package io.varve.capture.power;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.random.RandomGenerator;

/**
 * A file of a {@link PowerDisk}: sectors of 512 bytes, each with every content that it had since it was made durable
 * last, any of which may be what a power cut leaves. So are its size and its time.
 */
final class PowerFile {
    static final int SECTOR_BYTES = 512;
    private static final byte[] ZEROES = new byte[SECTOR_BYTES];

    private final long key;
    private final Map<Long, byte[]> durable = new HashMap<>();
    private final Map<Long, List<byte[]>> unsynced = new TreeMap<>();
    private final List<Long> sizes = new ArrayList<>(List.of(0L));
    private final List<Long> times = new ArrayList<>();

    PowerFile(long key, long nowMillis) {
        this.key = key;
        times.add(nowMillis);
    }

    long key() {
        return key;
    }

    long sizeBytes() {
        return sizes.getLast();
    }

    long modifiedMillis() {
        return times.getLast();
    }

    void write(ByteBuffer data, long positionBytes, long nowMillis) {
        long at = positionBytes;
        while (data.hasRemaining()) {
            long sector = at / SECTOR_BYTES;
            int offset = (int) (at % SECTOR_BYTES);
            int count = Math.min(data.remaining(), SECTOR_BYTES - offset);
            byte[] content = sector(sector).clone();
            data.get(content, offset, count);
            unsynced.computeIfAbsent(sector, s -> new ArrayList<>()).add(content);
            at += count;
        }
        if (at > sizeBytes()) {
            sizes.add(at);
        }
        times.add(nowMillis);
    }

    void truncate(long sizeBytes, long nowMillis) {
        if (sizeBytes >= sizeBytes()) {
            return;
        }
        long end = (sizeBytes() + SECTOR_BYTES - 1) / SECTOR_BYTES;
        sizes.add(sizeBytes);
        times.add(nowMillis);
        for (long sector = sizeBytes / SECTOR_BYTES; sector < end; sector++) {
            byte[] content = sector(sector).clone();
            int from = (int) Math.max(0, sizeBytes - sector * SECTOR_BYTES);
            java.util.Arrays.fill(content, Math.min(from, SECTOR_BYTES), SECTOR_BYTES, (byte) 0);
            unsynced.computeIfAbsent(sector, s -> new ArrayList<>()).add(content);
        }
    }

    /** Reads up to the file's end; the bytes that were read. */
    int read(ByteBuffer into, long positionBytes) {
        int count = (int) Math.min(into.remaining(), sizeBytes() - positionBytes);
        if (count <= 0) {
            return -1;
        }
        long at = positionBytes;
        for (int left = count; left > 0; ) {
            int offset = (int) (at % SECTOR_BYTES);
            int part = Math.min(left, SECTOR_BYTES - offset);
            into.put(sector(at / SECTOR_BYTES), offset, part);
            at += part;
            left -= part;
        }
        return count;
    }

    byte[] sector(long number) {
        List<byte[]> versions = unsynced.get(number);
        return versions == null ? durable.getOrDefault(number, ZEROES) : versions.getLast();
    }

    /** Whether its time is made durable, too, with {@code metadata}; its size always is. */
    void force(boolean metadata) {
        unsynced.forEach((sector, versions) -> durable.put(sector, versions.getLast()));
        unsynced.clear();
        keepLast(sizes);
        if (metadata) {
            keepLast(times);
        }
    }

    private static void keepLast(List<Long> values) {
        values.subList(0, values.size() - 1).clear();
    }

    /** What isn't durable is kept, lost, or one of what it was between, each sector for itself. */
    void crash(RandomGenerator random) {
        int fate = random.nextInt(3);
        unsynced.forEach((sector, versions) -> {
            int version = fate == 0 ? versions.size() : fate == 1 ? 0 : random.nextInt(versions.size() + 1);
            if (version > 0) {
                durable.put(sector, versions.get(version - 1));
            }
        });
        unsynced.clear();
        choose(sizes, random);
        choose(times, random);
        // Behind the end there's nothing, whatever was written there.
        long end = sizeBytes() / SECTOR_BYTES;
        durable.keySet().removeIf(sector -> sector > end);
        byte[] last = durable.get(end);
        if (last != null) {
            byte[] cut = last.clone();
            java.util.Arrays.fill(cut, (int) (sizeBytes() % SECTOR_BYTES), SECTOR_BYTES, (byte) 0);
            durable.put(end, cut);
        }
    }

    private static void choose(List<Long> values, RandomGenerator random) {
        Long chosen = values.get(random.nextInt(values.size()));
        values.clear();
        values.add(chosen);
    }
}
