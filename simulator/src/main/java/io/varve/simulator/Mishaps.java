package io.varve.simulator;

import io.varve.core.handover.Release;
import io.varve.core.handover.Takeover;
import io.varve.core.id.DriveId;
import io.varve.core.id.IncarnationId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.UUID;

/** Makes the faults of a run happen, and what follows: an agent that died starts again. */
final class Mishaps {
    /** How often a kind that a wrong rule shows in happens more than others. */
    private static final int EMPHASIS = 3;

    private final World world;
    private final Map<DriveId, DriveFiles> files = new TreeMap<>();
    private final List<Faults.Kind> kinds = new ArrayList<>();
    private UUID boot;
    private Agent agent;
    private boolean isStarting;

    Mishaps(World world) {
        this.world = world;
        this.boot = world.schedule().id();
        for (Faults.Kind kind : Faults.Kind.values()) {
            if (world.faults().has(kind)) {
                kinds.add(kind);
            }
        }
        for (int weight = 0; weight < EMPHASIS; weight++) {
            kinds.addAll(world.rules().emphasis());
        }
        world.drives().forEach(drive -> files.put(drive, new DriveFiles()));
        this.agent = start(files, false);
        if (!kinds.isEmpty()) {
            again();
        }
    }

    private Agent start(Map<DriveId, DriveFiles> of, boolean isStranger) {
        Agent started = new Agent(world, isStranger ? world.schedule().id() : boot, isStranger);
        world.agents().add(started);
        of.forEach((drive, kept) -> started.attach(drive, world.image(drive), kept));
        new Guest(world, started).begin();
        if (!isStranger) {
            Operator operator = new Operator(world, started, this::startAnew);
            started.tellTo(operator);
            operator.begin();
        }
        return started;
    }

    private void again() {
        world.schedule().after(world.schedule().between(40, 500), () -> {
            if (world.faults().isOn()) {
                happen(world.schedule().any(kinds));
                again();
            }
        });
    }

    private void happen(Faults.Kind kind) {
        switch (kind) {
            case AGENT_KILL -> killAgent(false);
            case HOST_CRASH -> killAgent(true);
            case ORDERLY_RESTART -> restart();
            case HANDOVER -> handOver();
            case STREAMS_KILL -> {
                world.streams().kill();
                world.schedule().after(world.schedule().between(50, 1500), world.streams()::start);
            }
            case SINK_KILL -> world.schedule().any(world.sinks()).kill();
            case CLOCK_JUMP -> world.jump(world.schedule().between(-5000, 5000));
            case STRANGER -> intrude();
            case COLLECTOR -> {
                for (int turn = 0; turn < 12; turn++) {
                    world.schedule().after(turn * 25L, new Collector(world)::run);
                }
            }
            case STORE_FAILS, STORE_LIES, USER -> {}
        }
    }

    private void killAgent(boolean withHost) {
        if (!agent.isAlive()) {
            return;
        }
        agent.kill();
        world.schedule().note(() -> withHost ? "the host loses its power" : "the agent is killed");
        if (withHost) {
            boot = world.schedule().id();
            files.forEach((drive, kept) -> {
                kept.loseMemory();
                if (kept.logged().isEmpty()) {
                    // Without a log nobody knows what may come late: docs/operations.md has what is to be done then.
                    world.image(drive).settle();
                }
                world.image(drive).loseCache(world.schedule());
            });
        }
        startLater();
    }

    private void startLater() {
        world.agents().remove(agent);
        if (!isStarting) {
            isStarting = true;
            world.schedule().after(world.schedule().between(20, 400), () -> {
                isStarting = false;
                agent = start(files, false);
            });
        }
    }

    private void restart() {
        if (agent.isAlive() && !agent.isTransacting()) {
            agent.stop();
            world.schedule().note(() -> "the agent is stopped in order");
            startLater();
        }
    }

    /** To an agent on another host, with the same images. */
    private void handOver() {
        boolean isReady = agent.isAlive()
                && !agent.isTransacting()
                && agent.drives().values().stream().noneMatch(AgentDrive::isIncoming);
        if (!isReady) {
            return;
        }
        agent.release();
        world.schedule().note(() -> "the agent hands over");
        boot = world.schedule().id();
        for (DriveId drive : world.drives()) {
            DriveFiles source = Objects.requireNonNull(files.get(drive));
            files.put(drive, takenOver(drive, source));
            new Carrying(world, drive, source, () -> agent).begin();
        }
        startLater();
    }

    private static DriveFiles takenOver(DriveId drive, DriveFiles source) {
        IncarnationId handover = Release.of(source.journal()).orElseThrow();
        if (Takeover.of(drive, handover, source.journal(), List.of()) instanceof Takeover.Refused(String reason)) {
            throw new IllegalStateException(reason);
        }
        DriveFiles target = new DriveFiles();
        target.journal().addAll(source.journal());
        target.ended(source.foreignWritesAtEnd());
        return target;
    }

    /** A second agent on one of the images: with a copy of the state as it was, or with none. */
    private void intrude() {
        if (!agent.isAlive()) {
            return;
        }
        DriveId drive = world.schedule().any(world.drives());
        DriveFiles own = files.get(drive);
        boolean isCopy = world.schedule().chance(50);
        Map<DriveId, DriveFiles> stolen = new TreeMap<>();
        stolen.put(drive, isCopy && own != null ? own.copyOfDisk() : new DriveFiles());
        world.schedule().note(() -> "a stranger attaches to " + drive + (isCopy ? " with a copy of the state" : ""));
        Agent stranger = start(stolen, true);
        world.schedule().after(world.schedule().between(200, 2500), () -> expel(stranger));
    }

    /** Nothing fails any more; what an operator would repair is repaired. */
    void heal() {
        world.faults().end();
        world.streams().start();
        List.copyOf(world.agents()).stream().filter(Agent::isStranger).forEach(this::expel);
        if (world.invariants().strangers().areKnown()) {
            startAnew();
        }
    }

    /** Who shared its image can't go on with its journal: what the log's reader says, an operator does. */
    private void startAnew() {
        if (agent.isAlive()) {
            agent.kill();
        }
        files.replaceAll((drive, kept) -> new DriveFiles());
        // Nobody knows any more what may come late: the image's server is started again, too.
        world.drives().forEach(drive -> world.image(drive).settle());
        startLater();
    }

    private void expel(Agent stranger) {
        if (stranger.isAlive()) {
            stranger.kill();
            world.agents().remove(stranger);
            world.schedule().note(() -> "the stranger is gone");
        }
    }
}
