package io.varve.simulator;

import io.varve.core.commit.AgentStep;
import io.varve.core.commit.Asking;
import io.varve.core.commit.Outcome;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.FullCause;
import io.varve.core.event.DriveEvent;
import io.varve.core.feed.FeedBatch;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** What goes out of one drive: the real feed and the real asking, on the modelled broker. */
final class Publisher {
    private final AgentDrive drive;
    private final Agent agent;
    private final Asking asking = new Asking();
    private boolean isAwake;
    private boolean isSending;
    private boolean isAskingDue;

    Publisher(AgentDrive drive) {
        this.drive = drive;
        this.agent = drive.agent();
    }

    /** Control events wait. */
    void wake() {
        wake(agent.world().schedule().between(1, 30));
    }

    /** Marks wait, which aren't urgent. */
    void wakeForExtents() {
        wake(agent.world().schedule().between(50, 400));
    }

    private void wake(int millis) {
        if (!isAwake) {
            isAwake = true;
            agent.after(millis, this::tick);
        }
    }

    private void tick() {
        isAwake = false;
        if (agent.isTransacting()) {
            wake();
            return;
        }
        ask();
        if (isSending) {
            return;
        }
        Optional<FeedBatch> batch = drive.feed().next();
        if (batch.isPresent()) {
            isSending = true;
            agent.world().broker().send(batch.get().records(), isThere -> sent(batch.get(), isThere));
        }
    }

    private void sent(FeedBatch batch, boolean isThere) {
        if (!agent.isAlive()) {
            return;
        }
        isSending = false;
        if (isThere) {
            drive.feed().acknowledge(batch);
            if (!agent.isTransacting()) {
                drive.tidy();
            }
            wake();
        } else {
            wake(200);
        }
    }

    /** Publishes again, as the agent's outlet does. */
    void republish(AgentStep.Republish republish) {
        drive.feed().republish(republish.fromControl(), republish.generations());
        wake();
    }

    /** Marks bitmaps inconsistent, or publishes again, as the agent's outlet does. */
    void distrust(AgentStep.Distrust distrust) {
        Set<Long> generations = distrust.otherwise().generations();
        boolean isProven = distrust.doubt().cause() != FullCause.DIGEST_DIFFERS
                || generations.stream()
                        .allMatch(each -> drive.feed()
                                .isWanting(each, distrust.otherwise().fromControl()));
        if (!isProven) {
            republish(distrust.otherwise());
            return;
        }
        drive.append(drive.state().bitmaps().values().stream()
                .filter(bitmap -> !(bitmap.status() instanceof BitmapStatus.Inconsistent)
                        && bitmap.allGenerations().stream().anyMatch(generations::contains))
                .<DriveEvent>map(bitmap -> new DriveEvent.BitmapMarkedInconsistent(bitmap.name(), distrust.doubt()))
                .toList());
        wake();
    }

    private void ask() {
        var open = AgentStep.toAskFor(drive.state()).stream()
                .map(unit -> new Asking.Question(drive.id(), unit))
                .collect(Collectors.toSet());
        long nowNanos = Duration.ofMillis(agent.world().schedule().nowMillis()).toNanos();
        asking.due(open, nowNanos).stream()
                .sorted((left, right) ->
                        left.unit().toString().compareTo(right.unit().toString()))
                .forEach(question -> agent.world()
                        .broker()
                        .say(new Outcome.AbortRequested(question.unit(), drive.id(), "the agent doesn't know")));
        if (!open.isEmpty() && !isAskingDue) {
            isAskingDue = true;
            agent.after(Asking.FIRST.toMillis(), () -> {
                isAskingDue = false;
                wake();
            });
        }
    }
}
