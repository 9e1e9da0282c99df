package io.varve.chaos;

import io.varve.cli.stack.Member;
import io.varve.cli.stack.Stack;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
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
    private int agentKills;
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

    /** How many of the kills were the agent's. */
    int agentKills() {
        return agentKills;
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
            perform(step.fault());
        }
        for (Victim victim : Victim.values()) {
            awaitServing(victim.of(stack));
        }
    }

    private void perform(Fault fault) throws IOException, InterruptedException, RoundFailedException {
        Member member = fault.victim().of(stack);
        switch (fault) {
            case Fault.Kill(Victim victim, int downMillis) -> {
                // What hasn't come up again can't be killed.
                awaitServing(member);
                note(fault);
                member.takeDown();
                TimeUnit.MILLISECONDS.sleep(downMillis);
                bringUp(victim, member, OptionalInt.empty());
            }
            case Fault.KillTwice(Victim victim, int startedMillis) -> {
                awaitServing(member);
                note(fault);
                member.takeDown();
                bringUp(victim, member, OptionalInt.of(startedMillis));
            }
            case Fault.Pause(Victim victim, int millis) -> {
                note(fault);
                pause(member, millis);
            }
        }
    }

    private void note(Fault fault) {
        events.note(fault.toString());
        int count = switch (fault) {
            case Fault.Kill kill -> 1;
            case Fault.KillTwice twice -> 2;
            case Fault.Pause pause -> 0;
        };
        kills += count;
        pauses += count == 0 ? 1 : 0;
        agentKills += fault.victim() == Victim.AGENT ? count : 0;
    }

    private void bringUp(Victim victim, Member member, OptionalInt killedAfterMillis)
            throws InterruptedException, RoundFailedException {
        long startNanos = System.nanoTime();
        member.bringUp();
        if (killedAfterMillis.isPresent()) {
            TimeUnit.MILLISECONDS.sleep(killedAfterMillis.getAsInt());
            boolean isKilled =
                    victim.newest().map(ProcessHandle::destroyForcibly).orElse(false);
            events.note(isKilled ? "killed a process within its start or after" : "no process to kill a second time");
        }
        if (victim == Victim.AGENT) {
            awaitAgent(startNanos, killedAfterMillis.isEmpty());
        }
    }

    private void awaitAgent(long startNanos, boolean isMeasured) throws InterruptedException, RoundFailedException {
        OptionalLong back = acknowledgements.awaitBegunAfter(startNanos, PATIENCE);
        if (back.isEmpty()) {
            throw new RoundFailedException(
                    "no write was acknowledged within " + PATIENCE.toSeconds() + " s of the agent's restart");
        }
        long nanos = back.getAsLong() - startNanos;
        if (isMeasured) {
            agentBackNanos.add(nanos);
        }
        events.note("the agent is back after " + nanos / 1_000_000 + " ms");
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
