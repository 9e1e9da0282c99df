package io.varve.simulator;

import io.varve.core.id.DriveId;
import java.util.List;

/** Whoever writes the drives of an agent: in bursts, and often another drive when a write is acknowledged. */
final class Guest {
    private static final int BLOCKS_MAX = 9;

    private final World world;
    private final Agent agent;

    Guest(World world, Agent agent) {
        this.world = world;
        this.agent = agent;
    }

    void begin() {
        agent.after(world.schedule().between(10, 200), () -> {
            int burst = world.schedule().between(1, 3);
            for (int index = 0; index < burst; index++) {
                write(0);
            }
            begin();
        });
    }

    private void write(int follows) {
        Schedule schedule = world.schedule();
        List<DriveId> drives = List.copyOf(agent.drives().keySet());
        AgentDrive drive = agent.drives().get(schedule.any(drives));
        if (drive == null) {
            return;
        }
        int blocks = schedule.between(1, BLOCKS_MAX);
        // Guests write some places again and again.
        int range = schedule.chance(60) ? 24 : drive.image().blocks();
        int first = schedule.pick(range - Math.min(blocks, range - 1));
        int kind = schedule.pick(10);
        GuestWrite write = new GuestWrite(
                kind < 8 ? world.nextVersion() : 0,
                kind < 8 ? WriteKind.WRITE : kind == 8 ? WriteKind.TRIM : WriteKind.WRITE_ZEROES,
                first,
                Math.min(blocks, drive.image().blocks() - first));
        drive.io().begin(write, done -> {
            // What is written after an acknowledgement may rely on it: a group's cut must not part them.
            if (follows < 3 && schedule.chance(40)) {
                agent.after(schedule.between(0, 1), () -> write(follows + 1));
            }
        });
        if (schedule.chance(5)) {
            drive.image().flush();
        }
    }
}
