package io.varve.capture.tracking;

import static org.junit.jupiter.api.Assertions.fail;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.LongPredicate;

/**
 * The naive model of one writer: the list of its writes, one after the other, each to some sectors of one drive. Every
 * sector that it writes holds the writer's number and the write's.
 */
public final class WriteHistory {
    static final int SECTOR_BYTES = 512;

    private final int writer;
    private final LongPredicate owned;
    private final List<Write> writes = new ArrayList<>();
    private int acknowledged;

    /**
     * One write.
     *
     * @param number from 1
     */
    public record Write(int number, Kind kind, int drive, long firstSector, int sectors) {}

    /** What a write leaves. */
    public enum Kind {
        DATA,
        ZEROES
    }

    /**
     * Of a writer that hasn't written yet.
     *
     * @param owned which sectors are this writer's alone
     */
    public WriteHistory(int writer, LongPredicate owned) {
        this.writer = writer;
        this.owned = owned;
    }

    public synchronized Write begin(Kind kind, int drive, long firstSector, int sectors) {
        Write write = new Write(writes.size() + 1, kind, drive, firstSector, sectors);
        writes.add(write);
        return write;
    }

    public synchronized void acknowledge(Write write) {
        acknowledged = write.number();
    }

    public synchronized int begun() {
        return writes.size();
    }

    public synchronized int acknowledged() {
        return acknowledged;
    }

    public byte[] content(Write write) {
        ByteBuffer content = ByteBuffer.allocate(write.sectors() * SECTOR_BYTES);
        while (content.hasRemaining()) {
            content.putInt(writer).putInt(write.number());
        }
        return content.array();
    }

    /**
     * Fails unless {@code images} are a state that a power cut at one instant could leave: no write acknowledged before
     * the cut is missing ({@code floor}), none begun after it is in ({@code ceiling}), and none is in without all of
     * the writer's earlier ones, on whatever drive. Only the newest may be torn, when it may have been in flight.
     */
    public synchronized void checkLegal(List<byte[]> images, int floor, int ceiling) {
        int newestSeen = floor;
        for (byte[] image : images) {
            for (int sector = 0; sector < image.length / SECTOR_BYTES; sector++) {
                newestSeen = owned.test(sector) ? Math.max(newestSeen, numberIn(image, sector)) : newestSeen;
            }
        }
        Optional<String> firstFault = Optional.empty();
        // Zeroes carry no number: they may be newer than the newest that is seen.
        for (int newest = newestSeen; newest <= ceiling; newest++) {
            Optional<String> fault = fault(images, newest, newest > floor);
            if (fault.isEmpty()) {
                return;
            }
            firstFault = firstFault.or(() -> fault);
        }
        fail(firstFault.orElse("I6: writer " + writer + ": write " + newestSeen + " began after the cut"));
    }

    private Optional<String> fault(List<byte[]> images, int newest, boolean mayBeTorn) {
        for (int drive = 0; drive < images.size(); drive++) {
            byte[] image = images.get(drive);
            int[] without = stateAfter(newest - 1, drive, image.length / SECTOR_BYTES);
            int[] with = stateAfter(newest, drive, image.length / SECTOR_BYTES);
            for (int sector = 0; sector < with.length; sector++) {
                int found = numberIn(image, sector);
                if (owned.test(sector) && found != with[sector] && !(mayBeTorn && found == without[sector])) {
                    return Optional.of("I6: writer " + writer + ", drive " + drive + ", sector " + sector
                            + ": found write " + found + "; expected " + with[sector] + " (newest " + newest + ")");
                }
            }
        }
        return Optional.empty();
    }

    private int[] stateAfter(int count, int drive, int sectors) {
        int[] state = new int[sectors];
        for (Write write : writes.subList(0, Math.max(0, count))) {
            for (int index = 0; index < write.sectors() && write.drive() == drive; index++) {
                state[(int) write.firstSector() + index] = write.kind() == Kind.DATA ? write.number() : 0;
            }
        }
        return state;
    }

    private static int numberIn(byte[] image, int sector) {
        return ByteBuffer.wrap(image).getInt(sector * SECTOR_BYTES + Integer.BYTES);
    }
}
