package io.varve.simulator;

import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.core.snapshot.GranuleStates;
import io.varve.core.snapshot.Protection;
import io.varve.core.snapshot.SnapshotStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** A snapshot of a drive: the real granule states, with a fleece that holds versions. */
final class PointInTime {
    /** Two of them are a region of the activity log. */
    static final Granularity GRANULE = new Granularity(2 << 20);

    static final int GRANULE_BLOCKS = (int) GRANULE.bytes() / GuestWrite.BLOCK_BYTES;
    private static final int COPY_FAILS_PERCENT = 1;

    private final Agent agent;
    private final Image image;
    private final GranuleStates states;
    private final Map<Long, long[]> fleece = new TreeMap<>();
    private final List<Waiting> waiting = new ArrayList<>();
    private SnapshotStatus status = new SnapshotStatus.Live();
    private boolean isReadable;

    /** A write that waits for old content to be kept. */
    private record Waiting(long from, long to, Runnable then) {}

    PointInTime(Agent agent, Image image) {
        this.agent = agent;
        this.image = image;
        this.states = new GranuleStates(GRANULE, image.sizeBytes(), new Protection.Everything());
    }

    void narrow(Marks cut) {
        states.narrow(Protection.of(cut, GRANULE));
    }

    void openForReading() {
        isReadable = true;
    }

    boolean isReadable() {
        return isReadable;
    }

    boolean isLive() {
        return status instanceof SnapshotStatus.Live;
    }

    void breakOff(String reason) {
        status = status.breaking(reason);
        release(waiting.stream().toList());
    }

    void release() {
        status = new SnapshotStatus.Released();
        release(waiting.stream().toList());
    }

    /** Runs {@code then} once the range's old content is kept, or the snapshot can't be read any more. */
    void preserve(GuestWrite write, Runnable then) {
        long from = write.offsetBytes() >>> GRANULE.shift();
        long to = GRANULE.granules(write.offsetBytes() + write.lengthBytes());
        if (!mustWait(from, to)) {
            then.run();
            return;
        }
        waiting.add(new Waiting(from, to, then));
        for (long granule = states.nextUnpreserved(from, to); granule >= 0; ) {
            long claimed = states.claim(granule, to);
            if (claimed > 0) {
                long first = granule;
                agent.after(agent.world().schedule().between(0, 4), () -> copy(first, first + claimed));
            }
            granule = states.nextUnpreserved(granule + Math.max(1, claimed), to);
        }
    }

    private boolean mustWait(long from, long to) {
        return isLive() && states.nextUnpreserved(from, to) >= 0;
    }

    private void copy(long from, long to) {
        if (agent.world().faults().isOn() && agent.world().schedule().chance(COPY_FAILS_PERCENT)) {
            breakOff("the fleece is full");
            return;
        }
        for (long granule = from; granule < to; granule++) {
            fleece.put(granule, imageAt(granule));
        }
        states.copied(from, to);
        release(waiting.stream().filter(w -> !mustWait(w.from(), w.to())).toList());
    }

    private void release(List<Waiting> ready) {
        waiting.removeAll(ready);
        ready.forEach(w -> w.then().run());
    }

    /** The granule's blocks at the cut; empty when they can't be had. */
    Optional<long[]> read(long granule) {
        long offsetBytes = granule << GRANULE.shift();
        long lengthBytes = Math.min(GRANULE.bytes(), image.sizeBytes() - offsetBytes);
        if (!isLive() || !states.covers(offsetBytes, lengthBytes)) {
            return Optional.empty();
        }
        long[] kept = fleece.get(granule);
        return Optional.of(states.isPreserved(granule) && kept != null ? kept.clone() : imageAt(granule));
    }

    private long[] imageAt(long granule) {
        int first = (int) granule * GRANULE_BLOCKS;
        long[] blocks = new long[Math.min(GRANULE_BLOCKS, image.blocks() - first)];
        for (int index = 0; index < blocks.length; index++) {
            blocks[index] = image.get(first + index);
        }
        return blocks;
    }
}
