package io.varve.simulator;

import io.varve.core.id.DriveId;
import java.util.List;
import java.util.Optional;

/**
 * One run: a seed draws who takes part, what fails, and in which order things happen. For a while there are faults;
 * then they stop, and each drive must come to a committed sync point.
 */
public final class Simulation {
    private static final int EVENTS_MAX = 50_000;
    private static final long HEALED_MILLIS_MAX = 60_000;
    /** The second one is incremental, on what the first began. */
    private static final int COMMITS_WHEN_HEALED = 2;

    private final World world;
    private final Mishaps mishaps;
    private final long faultyMillis;

    private Simulation(long seed, Rules rules, boolean isTraced) {
        Schedule schedule = new Schedule(seed, isTraced);
        this.world = new World(schedule, rules);
        schedule.note(() -> "faults: " + world.faults());
        this.mishaps = new Mishaps(world);
        this.faultyMillis = schedule.between(500, 3000);
    }

    /**
     * How a run went.
     *
     * @param failure in one sentence; empty when every invariant held
     * @param trace what happened; empty when it wasn't wanted
     */
    public record Result(long seed, int events, int commits, Optional<String> failure, List<String> trace) {}

    /** Runs a seed by the right rules. */
    public static Result run(long seed, boolean isTraced) {
        return run(seed, Rules.RIGHT, isTraced);
    }

    static Result run(long seed, Rules rules, boolean isTraced) {
        Simulation simulation = new Simulation(seed, rules, isTraced);
        Optional<String> failure = Optional.empty();
        try {
            simulation.run();
        } catch (Violation violation) {
            failure = Optional.ofNullable(violation.getMessage());
        } catch (RuntimeException bug) {
            failure = Optional.of(bug + " at " + bug.getStackTrace()[0]);
            if (isTraced) {
                bug.printStackTrace();
            }
        }
        Schedule schedule = simulation.world.schedule();
        return new Result(seed, schedule.events(), simulation.world.oracle().commits(), failure, schedule.trace());
    }

    private void run() {
        Schedule schedule = world.schedule();
        while (schedule.step(faultyMillis)) {
            check();
        }
        schedule.note(() -> "no more faults");
        mishaps.heal();
        long healedMillis = schedule.nowMillis();
        while (!world.drives().stream().allMatch(drive -> hasCommitted(drive, healedMillis))) {
            if (!schedule.step(healedMillis + HEALED_MILLIS_MAX) || schedule.events() > EVENTS_MAX) {
                throw new Violation("liveness", "no sync point is committed after the faults ended");
            }
            check();
        }
        world.oracle().checkAll();
    }

    private void check() {
        world.invariants().checkCoverage();
    }

    private boolean hasCommitted(DriveId drive, long sinceMillis) {
        return world.oracle().commits(drive, sinceMillis) >= COMMITS_WHEN_HEALED;
    }
}
