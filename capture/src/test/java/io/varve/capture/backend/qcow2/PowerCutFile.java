package io.varve.capture.backend.qcow2;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.ZeroMode;
import io.varve.formats.nbd.StatusExtent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * A file in memory, on a disk that loses power: each sector that was written since the last flush comes back as it was
 * at the flush or after any of the writes since, whatever became of its neighbours; the file's length likewise.
 *
 * <p>Thread: one.
 */
final class PowerCutFile implements Backend {
    static final int SECTOR_BYTES = 512;

    /** The power is gone. */
    static final class PowerCutException extends IOException {
        PowerCutException() {
            super("the power is gone");
        }
    }

    private byte[] bytes;
    private int lengthBytes;
    private long operationsLeft = Long.MAX_VALUE;
    /** What each sector held at the last flush, and after each write since. */
    private final Map<Integer, List<byte[]>> unsynced = new HashMap<>();

    private final List<Integer> lengths = new ArrayList<>();

    PowerCutFile(byte[] content) {
        bytes = Arrays.copyOf(content, Math.max(SECTOR_BYTES, Integer.highestOneBit(content.length) << 1));
        lengthBytes = content.length;
        lengths.add(lengthBytes);
    }

    /** Cuts the power in the middle of the operation after the next {@code operations}. */
    void cutAfter(long operations) {
        operationsLeft = operations;
    }

    /** What's on the disk when the power is back. */
    byte[] afterCut(SplittableRandom random) {
        byte[] after = bytes.clone();
        // Often all that was written is lost, or almost none; else each sector has its own luck.
        int luck = random.nextInt(5);
        unsynced.forEach((sector, versions) -> {
            int last = versions.size() - 1;
            int version = switch (luck) {
                case 0 -> 0;
                case 1 -> random.nextInt(20) == 0 ? random.nextInt(last + 1) : last;
                case 2 -> random.nextInt(20) == 0 ? last : 0;
                default -> random.nextInt(last + 1);
            };
            System.arraycopy(versions.get(version), 0, after, sector * SECTOR_BYTES, SECTOR_BYTES);
        });
        return Arrays.copyOf(after, lengths.get(random.nextInt(lengths.size())));
    }

    private void begin() throws PowerCutException {
        if (operationsLeft <= 0) {
            throw new PowerCutException();
        }
        operationsLeft--;
    }

    /** The operation in which the power goes may be done in part, as it isn't durable. */
    private void end() throws PowerCutException {
        if (operationsLeft <= 0) {
            throw new PowerCutException();
        }
    }

    private void put(long offsetBytes, ByteBuffer data) {
        int offset = (int) offsetBytes;
        int end = offset + data.remaining();
        while (bytes.length < end + SECTOR_BYTES) {
            bytes = Arrays.copyOf(bytes, 2 * bytes.length);
        }
        int first = offset / SECTOR_BYTES;
        int last = (end - 1) / SECTOR_BYTES;
        for (int sector = first; sector <= last; sector++) {
            unsynced.computeIfAbsent(sector, this::versionsOf);
        }
        data.get(bytes, offset, data.remaining());
        for (int sector = first; sector <= last; sector++) {
            unsynced.computeIfAbsent(sector, this::versionsOf).add(sector(sector));
        }
        if (end > lengthBytes) {
            lengthBytes = end;
            lengths.add(end);
        }
    }

    private List<byte[]> versionsOf(int sector) {
        return new ArrayList<>(List.of(sector(sector)));
    }

    private byte[] sector(int sector) {
        return Arrays.copyOfRange(bytes, sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES);
    }

    @Override
    public long sizeBytes() {
        return lengthBytes;
    }

    @Override
    public void read(long offsetBytes, ByteBuffer into) throws IOException {
        if (offsetBytes + into.remaining() > lengthBytes) {
            throw new IOException("read behind the file's end");
        }
        into.put(bytes, (int) offsetBytes, into.remaining());
    }

    @Override
    public void write(long offsetBytes, ByteBuffer data) throws IOException {
        begin();
        if (data.hasRemaining()) {
            put(offsetBytes, data);
        }
        end();
    }

    @Override
    public void zero(long offsetBytes, long zeroBytes, ZeroMode mode) throws IOException {
        begin();
        int inFile = (int) Math.clamp(lengthBytes - offsetBytes, 0, zeroBytes);
        if (inFile > 0) {
            put(offsetBytes, ByteBuffer.allocate(inFile));
        }
        end();
    }

    @Override
    public void trim(long offsetBytes, long trimBytes) throws IOException {
        zero(offsetBytes, trimBytes, ZeroMode.MAY_PUNCH);
    }

    @Override
    public void flush() throws IOException {
        begin();
        end();
        unsynced.clear();
        lengths.clear();
        lengths.add(lengthBytes);
    }

    @Override
    public List<StatusExtent> allocation(long offsetBytes, long rangeBytes, int extentsMax) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void close() {
        // There's nothing to close.
    }
}
