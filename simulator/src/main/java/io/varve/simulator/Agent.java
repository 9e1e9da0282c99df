package io.varve.simulator;

import io.varve.core.commit.AgentStep;
import io.varve.core.commit.Outcome;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.DriveState;
import io.varve.core.id.DriveId;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;

/** An agent's process: its drives, and its reader of outcomes. What it does ends with it. */
final class Agent {
    private final World world;
    private final UUID boot;
    private final boolean isStranger;
    private final SortedMap<DriveId, AgentDrive> drives = new TreeMap<>();
    private boolean isAlive = true;
    private boolean isTransacting;
    private boolean isReading;
    private int read;
    private Optional<Operator> operator = Optional.empty();
    private final int firstEnd;

    /** @param isStranger whether it isn't the one that should serve its drives */
    Agent(World world, UUID boot, boolean isStranger) {
        this.world = world;
        this.boot = boot;
        this.isStranger = isStranger;
        this.firstEnd = world.broker().outcomes().size();
    }

    void attach(DriveId id, Image image, DriveFiles files) {
        drives.put(id, new AgentDrive(this, id, image, files));
        hear();
    }

    World world() {
        return world;
    }

    boolean isStranger() {
        return isStranger;
    }

    void tellTo(Operator listening) {
        operator = Optional.of(listening);
    }

    UUID boot() {
        return boot;
    }

    boolean isAlive() {
        return isAlive;
    }

    SortedMap<DriveId, AgentDrive> drives() {
        return drives;
    }

    Optional<AgentDrive> drive(DriveId id) {
        return isAlive ? Optional.ofNullable(drives.get(id)) : Optional.empty();
    }

    SortedMap<DriveId, DriveState> states() {
        SortedMap<DriveId, DriveState> states = new TreeMap<>();
        drives.forEach((id, drive) -> states.put(id, drive.state()));
        return states;
    }

    /** Transactions come one at a time. */
    boolean beginsTransaction() {
        boolean begins = !isTransacting;
        isTransacting = true;
        return begins;
    }

    void endsTransaction() {
        isTransacting = false;
    }

    boolean isTransacting() {
        return isTransacting;
    }

    /** Does it later, unless the process is gone by then. */
    void after(long millis, Runnable action) {
        world.schedule().after(millis, () -> {
            if (isAlive) {
                action.run();
            }
        });
    }

    /** kill -9. */
    void kill() {
        isAlive = false;
        drives.values().forEach(AgentDrive::die);
    }

    /** Gives its drives up in order, once no write is in flight. */
    void stop() {
        drives.values().forEach(AgentDrive::detach);
        isAlive = false;
    }

    /** Hands its drives over to another agent. */
    void release() {
        drives.values().forEach(AgentDrive::release);
        isAlive = false;
    }

    /** There are outcomes to read. */
    void hear() {
        if (!isReading && isAlive) {
            isReading = true;
            after(world.schedule().between(1, 60), this::readOutcomes);
        }
    }

    private void readOutcomes() {
        isReading = false;
        if (isTransacting) {
            hear();
            return;
        }
        while (read < world.broker().outcomes().size()) {
            Outcome outcome = world.broker().outcomes().get(read);
            boolean isOld = read < firstEnd;
            read++;
            AgentDrive drive = drives.get(outcome.drive());
            if (drive != null) {
                perform(drive, AgentStep.of(drive.state(), outcome), isOld);
            }
        }
    }

    private void perform(AgentDrive drive, AgentStep step, boolean isOld) {
        switch (step) {
            case AgentStep.Report report -> {}
            case AgentStep.Conclude(var backup, var conclusion) -> {
                operator.ifPresent(o -> o.heard(drive.id(), conclusion instanceof Conclusion.Committed));
                drive.conclude(backup, conclusion);
            }
            case AgentStep.Republish republish -> {
                if (!isOld) {
                    drive.publisher().republish(republish);
                }
            }
            case AgentStep.Distrust distrust -> {
                if (!isOld) {
                    drive.publisher().distrust(distrust);
                }
            }
            case AgentStep.Refuse refuse -> {}
            case AgentStep.Nothing nothing -> {}
        }
    }
}
