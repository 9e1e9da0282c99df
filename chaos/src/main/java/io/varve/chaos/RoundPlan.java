package io.varve.chaos;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Collectors;

/**
 * What a round does to the processes, drawn before it begins; when exactly it hits them is chance.
 *
 * @param steps one after another
 */
record RoundPlan(List<Step> steps) {
    private static final List<Victim> VICTIMS = List.of(Victim.values());
    private static final int FAULTS_MAX = 3;
    /** In a round of {@link #killsOfTheAgent}. */
    static final int AGENT_KILLS = 4;

    private static final int WAIT_MILLIS_MAX = 700;
    private static final int DOWN_MILLIS_MAX = 300;
    private static final int START_MILLIS_MAX = 1500;
    private static final int PAUSE_MILLIS_MAX = 1500;
    /** Longer than Kafka's sessions of streams and sinks. */
    private static final int LONG_PAUSE_MILLIS = 8000;

    /**
     * A fault.
     *
     * @param waitMillis before it
     */
    record Step(int waitMillis, Fault fault) {}

    RoundPlan {
        steps = List.copyOf(steps);
    }

    /** One to three faults of any kind and process. */
    static RoundPlan draw(SplittableRandom random) {
        List<Step> steps = new ArrayList<>();
        int faults = 1 + random.nextInt(FAULTS_MAX);
        for (int index = 0; index < faults; index++) {
            steps.add(new Step(random.nextInt(WAIT_MILLIS_MAX), fault(random)));
        }
        return new RoundPlan(steps);
    }

    /** Some kills of the agent, started again at once. */
    static RoundPlan killsOfTheAgent(SplittableRandom random) {
        List<Step> steps = new ArrayList<>();
        for (int index = 0; index < AGENT_KILLS; index++) {
            steps.add(new Step(random.nextInt(WAIT_MILLIS_MAX), new Fault.Kill(Victim.AGENT, 0)));
        }
        return new RoundPlan(steps);
    }

    private static Fault fault(SplittableRandom random) {
        // The agent holds what can be lost, so it's hit most.
        Victim victim = random.nextInt(3) == 0 ? Victim.AGENT : VICTIMS.get(random.nextInt(VICTIMS.size()));
        if (victim == Victim.AGENT && random.nextInt(4) == 0) {
            return new Fault.KillTwice(victim, random.nextInt(START_MILLIS_MAX));
        }
        if (random.nextInt(4) != 0) {
            return new Fault.Kill(victim, random.nextInt(DOWN_MILLIS_MAX));
        }
        boolean isLong = random.nextInt(12) == 0;
        return new Fault.Pause(victim, isLong ? LONG_PAUSE_MILLIS : 50 + random.nextInt(PAUSE_MILLIS_MAX));
    }

    @Override
    public String toString() {
        return steps.stream()
                .map(step -> "after " + step.waitMillis() + " ms " + step.fault())
                .collect(Collectors.joining("; "));
    }
}
