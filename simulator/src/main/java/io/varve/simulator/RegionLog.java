package io.varve.simulator;

import io.varve.core.activity.ActivityTable;
import io.varve.core.activity.ActivityTable.Want;
import io.varve.core.activity.HotRegions;
import io.varve.core.activity.RegionSpan;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A drive's activity log: the real table, with modelled syncs, as the agent's own ActivityLog. */
final class RegionLog {
    /** So few that regions retire all the time. */
    private static final int HOT_MAX = 3;

    private static final int RECORD_FAILS_PERMILLE = 2;
    /** Of syncs: of those of a busy disk. */
    private static final int SLOW_PERCENT = 10;

    private final AgentDrive drive;
    private final World world;
    private final HotRegions hot = new HotRegions();
    private final ActivityTable table = new ActivityTable(hot, HOT_MAX);
    private final Map<Want, Runnable> waiting = new LinkedHashMap<>();
    private long wants;
    private boolean isWorking;

    RegionLog(AgentDrive drive) {
        this.drive = drive;
        this.world = drive.agent().world();
    }

    private boolean isOn() {
        return drive.files().logged().isPresent();
    }

    /** Runs {@code then} once the write's regions are in the log, or there is none. */
    void admit(int slot, GuestWrite write, Runnable then) {
        RegionSpan span = RegionSpan.touching(write.offsetBytes(), write.lengthBytes());
        Want want = new Want(slot, span, ++wants);
        if (!isOn() || hot.use(span.first(), span.end() - 1) || table.want(want)) {
            then.run();
            return;
        }
        if (world.rules().awaitsLog()) {
            waiting.put(want, then);
        } else {
            then.run();
        }
        if (!isWorking) {
            isWorking = true;
            later(this::step);
        }
    }

    private void later(Runnable step) {
        int slowestMillis = world.schedule().chance(SLOW_PERCENT) ? 300 : 5;
        drive.agent().after(world.schedule().between(0, slowestMillis), step);
    }

    private void step() {
        Optional<List<RegionSpan>> proposed = table.propose();
        if (proposed.isEmpty()) {
            retire();
        } else if (world.faults().isOn() && world.schedule().pick(1000) < RECORD_FAILS_PERMILLE) {
            switchOff();
        } else {
            later(() -> record(proposed.get()));
        }
    }

    private void record(List<RegionSpan> spans) {
        LoggedRegions before = drive.files().logged().orElseThrow();
        log(before.marksGeneration(), spans);
        world.schedule().note(() -> drive.id() + ": logs " + spans);
        table.recorded().forEach(want -> {
            Runnable then = waiting.remove(want);
            if (then != null) {
                then.run();
            }
        });
        retire();
    }

    private void log(long marksGeneration, List<RegionSpan> spans) {
        drive.files().log(Optional.of(new LoggedRegions(drive.incarnation(), marksGeneration, spans)));
    }

    /** Retires what's too much, sooner than the agent's own log would, then goes on with who waits. */
    private void retire() {
        if (table.size() <= HOT_MAX) {
            goOn();
            return;
        }
        table.choose();
        table.settle(drive.table().regions(table.waitingSlots()));
        if (table.isRetiring()) {
            later(() -> {
                if (world.rules().keepsMarksFirst()) {
                    keepMarks();
                }
                later(() -> {
                    table.retired();
                    goOn();
                });
            });
        } else {
            goOn();
        }
    }

    private void keepMarks() {
        drive.files().keepOpen();
        // The next record says so; until then the one that is there names the regions still.
        long last = drive.files().live().keySet().stream().reduce(0L, Math::max);
        LoggedRegions logged = drive.files().logged().orElseThrow();
        log(Math.max(last, logged.marksGeneration()), logged.spans());
    }

    private void goOn() {
        if (table.hasWaiting()) {
            later(this::step);
        } else {
            isWorking = false;
        }
    }

    /** A record can't be written: the log is removed, and writes go on without it (reliability.md section 6, 24). */
    private void switchOff() {
        world.schedule().note(() -> drive.id() + ": its activity log is switched off");
        drive.files().log(Optional.empty());
        List<Runnable> all = new ArrayList<>(waiting.values());
        waiting.clear();
        all.forEach(Runnable::run);
    }
}
