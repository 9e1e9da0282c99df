package io.varve.simulator;

import io.varve.core.bits.Extent;
import io.varve.core.cut.LostWrites;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * The way of a guest's writes through one drive of an agent: in flight, marked, old content kept, the image, ended,
 * acknowledged; the gate holds both ends.
 */
final class GuestIo {
    private static final int NO_SLOT = -1;
    private static final int LOST_EXTENTS_MAX = 4;
    private static final int SLOW_PERCENT = 5;

    private final AgentDrive drive;
    private final Agent agent;
    private final World world;
    private final TreeMap<Integer, Admitted> inFlight = new TreeMap<>();
    private final LostWrites lost = new LostWrites(LOST_EXTENTS_MAX);
    private final List<Awaited> awaited = new ArrayList<>();
    private final List<Runnable> atGate = new ArrayList<>();
    private boolean isHeld;
    private boolean isClosed;

    /** A write in its slot. */
    private static final class Admitted {
        private final GuestWrite write;
        private final Consumer<GuestWrite> acknowledged;
        private final List<PointInTime> protectedBy;
        private final long sinceMillis;
        private boolean isAtBackend;

        Admitted(GuestWrite write, Consumer<GuestWrite> acknowledged, List<PointInTime> protectedBy, long sinceMillis) {
            this.write = write;
            this.acknowledged = acknowledged;
            this.protectedBy = protectedBy;
            this.sinceMillis = sinceMillis;
        }
    }

    /** What waits for writes that were in flight. */
    private record Awaited(List<Admitted> writes, Runnable then) {}

    /** @param inherited what earlier runs lost */
    GuestIo(AgentDrive drive, List<Extent> inherited) {
        this.drive = drive;
        this.agent = drive.agent();
        this.world = agent.world();
        inherited.forEach(lost::add);
    }

    LostWrites lost() {
        return lost;
    }

    /** Makes durable which writes have an unknown outcome. */
    void keepLost() {
        drive.files().keepLost(lost.extents());
    }

    void hold() {
        isHeld = true;
    }

    void letGo() {
        isHeld = false;
        List<Runnable> waiting = List.copyOf(atGate);
        atGate.clear();
        waiting.forEach(Runnable::run);
    }

    boolean isHeld() {
        return isHeld;
    }

    /** No write is admitted any more. */
    void close() {
        isClosed = true;
    }

    /** What isn't acknowledged. */
    List<GuestWrite> pending() {
        return inFlight.values().stream().map(a -> a.write).toList();
    }

    /** A guest asks for a change. */
    void begin(GuestWrite write, Consumer<GuestWrite> acknowledged) {
        if (isHeld) {
            atGate.add(() -> begin(write, acknowledged));
            return;
        }
        int slot = freeSlot();
        if (isClosed || slot == NO_SLOT) {
            return;
        }
        world.invariants().passedGate(drive);
        Admitted admitted = new Admitted(
                write, acknowledged, drive.snapshots(), world.schedule().nowMillis());
        inFlight.put(slot, admitted);
        drive.table().register(slot, write.offsetBytes(), write.lengthBytes());
        if (world.rules().markMoment() == MarkMoment.BEFORE_EFFECT) {
            mark(write);
        }
        world.schedule().note(() -> drive.id() + ": " + write + " begins");
        agent.after(
                world.schedule().between(0, 2),
                () -> drive.log().admit(slot, write, () -> preserve(slot, admitted, 0)));
    }

    private int freeSlot() {
        for (int slot = 0; slot < DriveFiles.IN_FLIGHT_MAX; slot++) {
            if (!inFlight.containsKey(slot)) {
                return slot;
            }
        }
        return NO_SLOT;
    }

    private void mark(GuestWrite write) {
        if (world.rules().marks(write.kind())) {
            world.rules().mark(drive.open().marks(), write);
            drive.publisher().wakeForExtents();
        }
    }

    private void preserve(int slot, Admitted admitted, int index) {
        if (index < admitted.protectedBy.size()) {
            admitted.protectedBy.get(index).preserve(admitted.write, () -> preserve(slot, admitted, index + 1));
            return;
        }
        admitted.isAtBackend = true;
        // A disk that is busy keeps some for long.
        int slowestMillis = world.schedule().chance(SLOW_PERCENT) ? 400 : 8;
        agent.after(world.schedule().between(0, slowestMillis), () -> apply(slot, admitted));
    }

    private void apply(int slot, Admitted admitted) {
        GuestWrite write = admitted.write;
        int fate = world.faults().isOn() ? world.schedule().pick(100) : 99;
        world.invariants().beforeEffect(drive, write);
        admitted.isAtBackend = false;
        if (fate < 3) {
            drive.image().apply(write, agent.isStranger() ? 0 : world.schedule().pick(write.blocks() + 1));
            drive.open().replace(world.rules().afterError(drive.open().marks(), write));
            world.schedule().note(() -> drive.id() + ": " + write + " fails");
        } else if (fate < 5) {
            world.schedule().note(() -> drive.id() + ": " + write + " has an unknown outcome");
            lose(slot, admitted);
            return;
        } else {
            change(write);
        }
        if (world.rules().markMoment() == MarkMoment.AFTER_EFFECT) {
            agent.after(1, () -> mark(write));
        }
        agent.after(world.schedule().between(0, 4), () -> end(slot, admitted));
    }

    private void change(GuestWrite write) {
        if (agent.isStranger()) {
            drive.image().applyForeign(write);
        } else {
            drive.image().apply(write, write.blocks());
        }
    }

    /** It may come to the image at any time, or never. */
    private void lose(int slot, Admitted admitted) {
        lost.add(new Extent(admitted.write.offsetBytes(), admitted.write.lengthBytes()));
        keepLost();
        drive.table().deregister(slot);
        inFlight.remove(slot);
        ended(admitted);
        landLater(admitted);
    }

    private void landLater(Admitted admitted) {
        admitted.isAtBackend = true;
        Image.Late late = new Image.Late(admitted.write, () -> land(admitted));
        drive.image().late().add(late);
        world.schedule().after(world.schedule().between(1, 3000), () -> {
            if (drive.image().late().remove(late)) {
                late.land().run();
            }
        });
    }

    private void land(Admitted admitted) {
        if (admitted.isAtBackend && world.schedule().chance(50)) {
            change(admitted.write);
            world.schedule().note(() -> drive.id() + ": " + admitted.write + " lands");
        }
        admitted.isAtBackend = false;
    }

    private void end(int slot, Admitted admitted) {
        if (isHeld) {
            atGate.add(() -> end(slot, admitted));
            return;
        }
        world.invariants().passedGate(drive);
        if (world.rules().markMoment() == MarkMoment.AT_COMPLETION) {
            mark(admitted.write);
        }
        world.invariants().ended(drive, world.schedule().nowMillis() - admitted.sinceMillis);
        drive.table().deregister(slot);
        inFlight.remove(slot);
        ended(admitted);
        world.schedule().note(() -> drive.id() + ": " + admitted.write + " is acknowledged");
        admitted.acknowledged.accept(admitted.write);
    }

    /**
     * Runs {@code then} when the writes that are in flight now have ended; those of unknown outcome aren't waited for.
     */
    void afterThoseInFlight(Runnable then) {
        List<Admitted> writes = new ArrayList<>(inFlight.values());
        if (writes.isEmpty()) {
            then.run();
        } else {
            awaited.add(new Awaited(writes, then));
        }
    }

    private void ended(Admitted admitted) {
        for (Awaited waiting : List.copyOf(awaited)) {
            waiting.writes().remove(admitted);
            if (waiting.writes().isEmpty()) {
                awaited.remove(waiting);
                waiting.then().run();
            }
        }
    }

    /**
     * The process is gone: what the backend had may have come to the image, or not; if that is elsewhere, it may come
     * later, too.
     */
    void die() {
        List<Admitted> sent =
                inFlight.values().stream().filter(a -> a.isAtBackend).toList();
        if (drive.image().isElsewhere()) {
            sent.forEach(this::landLater);
            isClosed = true;
        } else {
            sent.forEach(this::land);
            end();
        }
    }

    /** The drive is given up: nothing comes any more. */
    void end() {
        drive.image().settle();
        isClosed = true;
    }
}
