package io.varve.capture.publish;

import io.varve.capture.tracking.Agent;
import io.varve.capture.tracking.DriveFeed;
import io.varve.core.commit.AgentStep;
import io.varve.core.event.DriveEvent.ExtentsDirtied;
import io.varve.core.feed.FeedBatch;
import io.varve.core.id.DriveId;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What goes out of one drive. Its troubles, such as a disk that can't be read, are its own: it pauses, and the other
 * drives go on.
 *
 * <p>Thread: the publisher only.
 */
final class DriveOutlet {
    private static final Logger LOG = LoggerFactory.getLogger(DriveOutlet.class);
    private static final long PAUSE_NANOS = Duration.ofSeconds(1).toNanos();

    private final Agent agent;
    private final DriveId drive;
    private final LongSupplier nanos;
    private Optional<Long> troubleNanos = Optional.empty();
    private boolean isOpenDue;

    DriveOutlet(Agent agent, DriveId drive, LongSupplier nanos) {
        this.agent = agent;
        this.drive = drive;
        this.nanos = nanos;
    }

    /** A feed's call, which may fail. */
    interface FeedCall<T> {
        T on(DriveFeed feed) throws IOException;
    }

    /** Once more, and only once, what is new of the open generation may go. */
    void openIsDue() {
        isOpenDue = true;
    }

    /** What to send next; empty when there's nothing, or nothing that's due. */
    Optional<FeedBatch> next() {
        if (troubleNanos
                .filter(since -> nanos.getAsLong() - since < PAUSE_NANOS)
                .isPresent()) {
            return Optional.empty();
        }
        Optional<Optional<FeedBatch>> given = call(this::next);
        if (given.isPresent() && given.get().isEmpty()) {
            goesOn();
        }
        Optional<FeedBatch> batch = given.flatMap(next -> next);
        if (batch.filter(this::isOfOpenGeneration).isPresent()) {
            isOpenDue = false;
        }
        return batch;
    }

    void acknowledge(FeedBatch batch) {
        if (call(feed -> {
                    feed.acknowledge(batch);
                    return true;
                })
                .isPresent()) {
            goesOn();
        }
    }

    /** Publishes again; when that fails, it's said, and the topology asks again. */
    void republish(AgentStep.Republish republish) {
        var _ = call(feed -> {
            feed.republish(republish.fromControl(), republish.generations());
            return true;
        });
    }

    /** It can't go on with what is next; said once, until it can again. */
    void fails(String reason) {
        if (troubleNanos.isEmpty()) {
            LOG.error(
                    "drive '{}' can't be published, and is tried again every {} s: {}",
                    drive,
                    Duration.ofNanos(PAUSE_NANOS).toSeconds(),
                    reason);
        }
        troubleNanos = Optional.of(nanos.getAsLong());
    }

    private void goesOn() {
        if (troubleNanos.isPresent()) {
            LOG.info("drive '{}' can be published again", drive);
            troubleNanos = Optional.empty();
        }
    }

    private Optional<FeedBatch> next(DriveFeed feed) throws IOException {
        return isOpenDue || feed.waitingControls() > 0 ? feed.next() : Optional.empty();
    }

    private boolean isOfOpenGeneration(FeedBatch batch) {
        return batch.records().getFirst().event() instanceof ExtentsDirtied dirtied
                && Optional.ofNullable(agent.states().get(drive))
                        .filter(state -> state.open().number() == dirtied.generation())
                        .isPresent();
    }

    /** A bug that one drive meets must not silence the others, either. */
    private <T> Optional<T> call(FeedCall<T> call) {
        try {
            Optional<DriveFeed> feed = agent.feed(drive);
            return feed.isEmpty() ? Optional.empty() : Optional.of(call.on(feed.get()));
        } catch (IOException e) {
            fails(String.valueOf(e.getMessage()));
        } catch (RuntimeException e) {
            fails(e.toString());
            LOG.error("drive '{}'", drive, e);
        }
        return Optional.empty();
    }
}
