package io.varve.chaos;

import io.varve.cli.stack.Member;
import io.varve.cli.stack.Stack;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;

/** Does to the stack's processes what a plan says. Thread: its owner's only. */
final class Nemesis {
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private final Stack stack;
    private final Acknowledgements acknowledgements;
    private final EventLog events;
    private final List<Long> agentBackNanos = new ArrayList<>();
    private int kills;
    private int pauses;

    Nemesis(Stack stack, Acknowledgements acknowledgements, EventLog events) {
        this.stack = stack;
        this.acknowledgements = acknowledgements;
        this.events = events;
    }

    /** From the start of each new agent to the first write that it acknowledged. */
    List<Long> agentBackNanos() {
        return List.copyOf(agentBackNanos);
    }

    int kills() {
        return kills;
    }

    int pauses() {
        return pauses;
    }

    /** Lets the plan happen, and waits until every process serves again. */
    void execute(RoundPlan plan) throws IOException, InterruptedException, RoundFailedException {
        for (RoundPlan.Step step : plan.steps()) {
            TimeUnit.MILLISECONDS.sleep(step.waitMillis());
            Member member = step.fault().victim().of(stack);
            switch (step.fault()) {
                case Fault.Kill(Victim victim, int downMillis) -> {
                    // What hasn't come up again can't be killed.
                    awaitServing(member);
                    events.note(step.fault().toString());
                    kills++;
                    kill(victim, member, downMillis);
                }
                case Fault.Pause(Victim victim, int millis) -> {
                    events.note(step.fault().toString());
                    pauses++;
                    pause(member, millis);
                }
            }
        }
        for (Victim victim : Victim.values()) {
            awaitServing(victim.of(stack));
        }
    }

    private void kill(Victim victim, Member member, int downMillis) throws InterruptedException, RoundFailedException {
        member.takeDown();
        TimeUnit.MILLISECONDS.sleep(downMillis);
        long startNanos = System.nanoTime();
        member.bringUp();
        if (victim == Victim.AGENT) {
            OptionalLong back = acknowledgements.awaitBegunAfter(startNanos, PATIENCE);
            if (back.isEmpty()) {
                throw new RoundFailedException(
                        "no write was acknowledged within " + PATIENCE.toSeconds() + " s of the agent's restart");
            }
            agentBackNanos.add(back.getAsLong() - startNanos);
            events.note("the agent is back after " + (back.getAsLong() - startNanos) / 1_000_000 + " ms");
        }
    }

    private static void pause(Member member, int millis) throws IOException, InterruptedException {
        Optional<Long> pid = member.pid();
        if (pid.isPresent()) {
            signal("STOP", pid.get());
            try {
                TimeUnit.MILLISECONDS.sleep(millis);
            } finally {
                signal("CONT", pid.get());
            }
        }
    }

    private static void signal(String name, long pid) throws IOException, InterruptedException {
        int _ = new ProcessBuilder("kill", "-" + name, Long.toString(pid))
                .inheritIO()
                .start()
                .waitFor();
    }

    private void awaitServing(Member member) throws InterruptedException, RoundFailedException {
        if (!member.awaitServing(PATIENCE)) {
            throw new RoundFailedException(
                    "the " + member.name() + " didn't come back within " + PATIENCE.toSeconds() + " s; see its log");
        }
    }
}
