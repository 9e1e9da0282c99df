package io.varve.simulator;

import io.varve.core.bits.Marks;
import io.varve.core.handover.HandoverStep;
import io.varve.core.handover.Incoming;
import io.varve.core.handover.SourceSide;
import io.varve.core.handover.TargetSide;
import io.varve.core.id.DriveId;
import io.varve.core.id.IncarnationId;
import java.util.Optional;
import java.util.function.Supplier;

/** Carries the marks of a drive that was handed over to its new agent, generation by generation, by the real rules. */
final class Carrying {
    private static final int DAMAGED_PERCENT = 10;

    private final World world;
    private final DriveId drive;
    private final IncarnationId handover;
    private final DriveFiles source;
    private final Supplier<Agent> target;
    private boolean isSourceSilent;

    /**
     * Carrying as yet to begin.
     *
     * @param source what the agent that handed over keeps
     * @param target whoever serves the drive at the time
     */
    Carrying(World world, DriveId drive, DriveFiles source, Supplier<Agent> target) {
        this.world = world;
        this.drive = drive;
        this.handover = source.journal().getLast().incarnation();
        this.source = source;
        this.target = target;
    }

    void begin() {
        if (world.schedule().chance(25)) {
            world.schedule().after(world.schedule().between(50, 900), () -> isSourceSilent = true);
        }
        again();
    }

    private void again() {
        world.schedule().after(world.schedule().between(20, 120), () -> {
            Optional<AgentDrive> arrived = target.get().isTransacting()
                    ? Optional.empty()
                    : target.get().drive(drive);
            arrived.filter(this::isOpen).ifPresent(this::step);
            if (arrived.isEmpty() || isOpen(arrived.get())) {
                again();
            }
        });
    }

    private boolean isOpen(AgentDrive arrived) {
        return arrived.isIncoming() && arrived.handover().equals(Optional.of(handover));
    }

    private void step(AgentDrive arrived) {
        Incoming incoming = arrived.incoming();
        SourceSide from = isSourceSilent ? new SourceSide.Silent("it's gone") : new SourceSide.Released(handover);
        HandoverStep next = HandoverStep.next(from, new TargetSide.Incoming(handover, incoming.missing()));
        switch (next) {
            case HandoverStep.CarryMarks carry ->
                carry(arrived, carry.generations().first());
            case HandoverStep.Complete complete -> arrived.append(incoming.completed());
            case HandoverStep.Stop(String reason) -> arrived.append(incoming.givenUp(reason));
            case HandoverStep.ReleaseDrive _, HandoverStep.Attach _, HandoverStep.Forget _, HandoverStep.Done _ ->
                throw new IllegalStateException("drive " + drive + " is released and attached; next is " + next);
        }
    }

    private void carry(AgentDrive arrived, long generation) {
        Marks marks = Optional.ofNullable(source.kept().get(generation)).orElseThrow();
        Marks came = world.schedule().chance(DAMAGED_PERCENT)
                ? Marks.none(marks.granularity(), marks.sizeBytes())
                : marks.copyAt(marks.granularity());
        if (Incoming.objection(arrived.state(), generation, came).isEmpty()) {
            arrived.files().kept().put(generation, came);
            world.schedule().note(() -> drive + ": the marks of generation " + generation + " have come");
            arrived.publisher().wake();
        }
    }
}
