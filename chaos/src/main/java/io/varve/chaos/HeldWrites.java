package io.varve.chaos;

import io.varve.chaos.WriterHistory.View;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.BitSet;
import java.util.List;

/**
 * How many of a writer's first writes a restored territory holds. A writer has one write in flight at a time, so a
 * state that the drive had shows the first k whole and nothing of the others, but that the sectors of the kth may be
 * old or new one by one while it hadn't ended.
 */
final class HeldWrites {
    /** What was found. */
    sealed interface Finding {
        /**
         * The first writes are there.
         *
         * @param least with fewer it would be another state
         * @param most with more it would be another state; more than {@code least} when writes changed nothing
         */
        record Some(int least, int most) implements Finding {}

        /** The territory shows no state that the drive had. */
        record None(String reason) implements Finding {}
    }

    private final View view;
    private final ByteBuffer bytes;
    private final int ended;
    private final int begun;

    private HeldWrites(View view, ByteBuffer bytes, int ended, int begun) {
        this.view = view;
        this.bytes = bytes;
        this.ended = ended;
        this.begun = begun;
    }

    /**
     * Looks into a restored drive.
     *
     * @param askedNanos the cut came after it, so what had ended before must be there
     * @param answeredNanos the cut came before it, so what was begun after must not be there
     */
    static Finding in(FileChannel raw, View view, long askedNanos, long answeredNanos) throws IOException {
        Territory territory = view.territory();
        ByteBuffer bytes = ByteBuffer.allocate(territory.lengthBytes());
        while (bytes.hasRemaining()) {
            if (raw.read(bytes, territory.offsetBytes() + bytes.position()) < 0) {
                return new Finding.None(territory + ": the restored image ends at byte "
                        + (territory.offsetBytes() + bytes.position()) + ", within it");
            }
        }
        return new HeldWrites(view, bytes, view.endedBefore(askedNanos), view.begunBefore(answeredNanos)).find();
    }

    private Finding find() {
        SectorVersions versions = view.base().copy();
        List<RecordedWrite> writes = view.writes();
        BitSet touched = new BitSet();
        writes.subList(ended, begun).forEach(w -> touched.set(w.first(), w.first() + w.sectors()));
        writes.subList(0, ended).forEach(write -> write.applyTo(versions));
        int wrong = firstWrong(versions, untouched(touched), ended);
        if (wrong >= 0) {
            return new Finding.None(describe(versions, wrong));
        }
        int count = Math.max(ended, shown(touched));
        writes.subList(ended, count).forEach(write -> write.applyTo(versions));
        for (; count <= begun; count++) {
            if (firstWrong(versions, touched, count) < 0) {
                return new Finding.Some(count, most(versions, touched, count));
            }
            if (count < begun) {
                writes.get(count).applyTo(versions);
            }
        }
        return new Finding.None(describe(versions, firstWrong(versions, touched, begun)));
    }

    private BitSet untouched(BitSet touched) {
        BitSet untouched = new BitSet();
        untouched.set(0, view.territory().sectors());
        untouched.andNot(touched);
        return untouched;
    }

    /** The number of first writes up to the newest one of which a sector is there. */
    private int shown(BitSet touched) {
        int shown = 0;
        for (int index = ended; index < begun; index++) {
            RecordedWrite write = view.writes().get(index);
            for (int sector = write.first(); sector < write.first() + write.sectors(); sector++) {
                if (touched.get(sector) && !write.zeroes() && isAt(sector, write.version())) {
                    shown = index + 1;
                }
            }
        }
        return shown;
    }

    private int most(SectorVersions versions, BitSet touched, int least) {
        int most = least;
        SectorVersions later = versions.copy();
        while (most < begun) {
            view.writes().get(most).applyTo(later);
            if (firstWrong(later, touched, least) >= 0) {
                return most;
            }
            most++;
        }
        return most;
    }

    /**
     * The first of these sectors that is neither as the first {@code count} writes leave it, nor old under the last.
     */
    private int firstWrong(SectorVersions versions, BitSet sectors, int count) {
        SectorVersions before = count > ended ? before(count) : versions;
        RecordedWrite last = count > ended ? view.writes().get(count - 1) : null;
        for (int sector = sectors.nextSetBit(0); sector >= 0; sector = sectors.nextSetBit(sector + 1)) {
            boolean mayBeOld = last != null && sector >= last.first() && sector < last.first() + last.sectors();
            if (!isAt(sector, versions.get(sector)) && !(mayBeOld && isAt(sector, before.get(sector)))) {
                return sector;
            }
        }
        return -1;
    }

    private SectorVersions before(int count) {
        SectorVersions versions = view.base().copy();
        view.writes().subList(0, count - 1).forEach(write -> write.applyTo(versions));
        return versions;
    }

    private boolean isAt(int sector, int version) {
        Territory territory = view.territory();
        return territory
                .content()
                .isAt(bytes, sector * SectorContent.SECTOR_BYTES, territory.firstSector() + sector, version);
    }

    private String describe(SectorVersions versions, int sector) {
        long claimed = SectorContent.claimedVersion(bytes, sector * SectorContent.SECTOR_BYTES);
        boolean isTrue = claimed >= 0 && claimed <= Integer.MAX_VALUE && isAt(sector, (int) claimed);
        return view.territory() + ": sector " + (view.territory().firstSector() + sector) + " of the drive holds "
                + (isTrue ? "version " + claimed : "no version of it, though it says " + claimed)
                + "; expected version "
                + versions.get(sector) + " after the writer's first " + ended + " to " + begun + " of "
                + view.writes().size() + " recorded writes, which begin with version "
                + (view.writes().isEmpty()
                        ? "none"
                        : "" + view.writes().getFirst().version());
    }
}
