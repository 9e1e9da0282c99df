package io.varve.capture.publish;

import io.varve.capture.tracking.Agent;
import io.varve.core.commit.AgentStep;
import io.varve.core.commit.Asking;
import io.varve.core.commit.Outcome;
import io.varve.core.drive.DriveState;
import io.varve.core.feed.FeedBatch;
import io.varve.core.id.DriveId;
import io.varve.schemas.VarveSerdes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import org.apache.kafka.common.KafkaException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Publishes what the drives' feeds give: control events, and the marks that they need, at once; what is new of the open
 * generations a few times a second. Each round sends one batch of every drive that has one, and acknowledges it to its
 * feed when the broker has it whole; what isn't acknowledged is given again, to a new producer if need be.
 *
 * <p>Thread: {@link #run} is one thread's, which nobody may interrupt; the rest is safe for any thread.
 */
final class LogPublisher implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(LogPublisher.class);
    private static final long OPEN_PAUSE_NANOS = Duration.ofMillis(200).toNanos();
    private static final long RETRY_PAUSE_NANOS_MIN = Duration.ofMillis(100).toNanos();
    private static final long RETRY_PAUSE_NANOS_MAX = Duration.ofSeconds(2).toNanos();
    private static final long STALL_NANOS = Duration.ofSeconds(3).toNanos();

    /** How long what's left may take at the end. */
    static final Duration FLUSH_MAX = Duration.ofMillis(2_500);

    private static final Duration PRODUCER_CLOSE_MAX = Duration.ofMillis(500);

    private final Agent agent;
    private final Map<String, Object> client;
    private final Link link;
    private final LongSupplier nanos;
    private final Doorbell bell = new Doorbell();
    private final Set<Republication> republications = ConcurrentHashMap.newKeySet();
    private volatile Optional<VarveSerdes> serdes = Optional.empty();
    private volatile boolean mayAsk;
    private volatile Optional<Long> closingNanos = Optional.empty();

    private final Map<DriveId, DriveOutlet> outlets = new TreeMap<>();
    private final Asking asking = new Asking();
    private Optional<RecordSender> sender = Optional.empty();
    private long openNanos;
    private Optional<Long> lostNanos = Optional.empty();
    private long retryPauseNanos = RETRY_PAUSE_NANOS_MIN;

    LogPublisher(Publishing.Surroundings around, Link link) {
        this.agent = around.agent();
        this.client = around.client();
        this.nanos = around.nanos();
        this.link = link;
        this.openNanos = nanos.getAsLong();
    }

    /** There may be something new. */
    void ring() {
        bell.ring();
    }

    /** Kafka is there, and requests to publish again are heard from here on: publishing may begin. */
    void begin(VarveSerdes known) {
        serdes = Optional.of(known);
        ring();
    }

    /** All outcomes that were there are read: what's undecided now may be asked for. */
    void mayAsk() {
        mayAsk = true;
    }

    /** Publishes again, on the publisher's own thread: a batch on its way must not undo it when it's acknowledged. */
    void republish(DriveId drive, AgentStep.Republish republish) {
        republications.add(new Republication(drive, republish));
        ring();
    }

    private record Republication(DriveId drive, AgentStep.Republish republish) {}

    /** Sends what's left, if that can be done soon, and ends. */
    void close() {
        closingNanos = Optional.of(nanos.getAsLong());
        ring();
    }

    @Override
    public void run() {
        while (closingNanos.isEmpty()) {
            bell.await(OPEN_PAUSE_NANOS);
            if (serdes.isPresent() && closingNanos.isEmpty() && !isPausing()) {
                turn(serdes.get());
            }
        }
        serdes.ifPresent(this::turn);
        sender.ifPresent(last -> last.close(PRODUCER_CLOSE_MAX));
    }

    private void turn(VarveSerdes known) {
        try {
            long now = nanos.getAsLong();
            boolean isOpenDue = closingNanos.isPresent() || now - openNanos >= OPEN_PAUSE_NANOS;
            if (isOpenDue) {
                openNanos = now;
            }
            Set<DriveId> drives = agent.states().keySet();
            outlets.keySet().retainAll(drives);
            for (DriveId drive : drives) {
                DriveOutlet outlet = outlets.computeIfAbsent(drive, d -> new DriveOutlet(agent, d, nanos));
                if (isOpenDue) {
                    outlet.openIsDue();
                }
            }
            publishAgain();
            if (publishAll(known) && isOpenDue && mayAsk && closingNanos.isEmpty()) {
                ask(known);
            }
        } catch (KafkaException e) {
            lose(e.toString());
        } catch (RuntimeException e) {
            LOG.error("a bug in publishing; it goes on with a new producer", e);
            lose(e.toString());
        }
    }

    private void publishAgain() {
        republications.removeIf(asked -> {
            Optional.ofNullable(outlets.get(asked.drive())).ifPresent(outlet -> outlet.republish(asked.republish()));
            return true;
        });
    }

    /** Whether all that was due is in the log. */
    private boolean publishAll(VarveSerdes known) {
        while (isTimeLeft()) {
            List<Sent> round = sendRound(known);
            if (round.isEmpty()) {
                link.works(Link.Side.WRITER);
                return true;
            }
            for (Sent sent : round) {
                if (!arrived(sent)) {
                    return false;
                }
            }
        }
        return false;
    }

    /** A batch of each drive that has one; none more after one that couldn't be sent, which took its time. */
    private List<Sent> sendRound(VarveSerdes known) {
        List<Sent> round = new ArrayList<>();
        for (Map.Entry<DriveId, DriveOutlet> entry : outlets.entrySet()) {
            Optional<FeedBatch> batch = entry.getValue().next();
            if (batch.isPresent()) {
                RecordSender.Sending sending =
                        sender(known).send(entry.getKey(), batch.get().records());
                round.add(new Sent(entry.getValue(), batch.get(), sending));
                if (sending.hasFailed()) {
                    break;
                }
            }
        }
        return round;
    }

    private record Sent(DriveOutlet outlet, FeedBatch batch, RecordSender.Sending sending) {}

    private boolean arrived(Sent sent) {
        return switch (await(sent.sending())) {
            case Delivery.Acknowledged() -> {
                sent.outlet().acknowledge(sent.batch());
                yield true;
            }
            case Delivery.Unfit(String reason) -> {
                sent.outlet().fails(reason);
                yield true;
            }
            case Delivery.Lost(String reason) -> {
                lose(reason);
                yield false;
            }
        };
    }

    private Delivery await(RecordSender.Sending sending) {
        long sinceNanos = nanos.getAsLong();
        Delivery delivery = RecordSender.await(sending, () -> {
            if (nanos.getAsLong() - sinceNanos >= STALL_NANOS) {
                link.fails(Link.Side.WRITER, "it hasn't acknowledged for " + STALL_NANOS / 1_000_000_000 + " s");
            }
            return isTimeLeft();
        });
        if (delivery instanceof Delivery.Acknowledged) {
            lostNanos = Optional.empty();
            retryPauseNanos = RETRY_PAUSE_NANOS_MIN;
            link.works(Link.Side.WRITER);
        }
        return delivery;
    }

    /** Asks what became of units that were given up; the topology answers with the decision. */
    // I12
    private void ask(VarveSerdes known) {
        Set<Asking.Question> open = new HashSet<>();
        agent.states().forEach((drive, state) -> {
            if (isPublished(state)) {
                AgentStep.toAskFor(state).forEach(unit -> open.add(new Asking.Question(drive, unit)));
            }
        });
        for (Asking.Question question : asking.due(open, nanos.getAsLong())) {
            Outcome asked = new Outcome.AbortRequested(
                    question.unit(), question.drive(), "its agent gave the backup up and knows no decision");
            if (await(sender(known).send(asked)) instanceof Delivery.Lost(String reason)) {
                lose(reason);
                return;
            }
        }
    }

    private boolean isPublished(DriveState state) {
        return agent.feed(state.drive())
                .filter(feed -> feed.waitingControls() == 0)
                .isPresent();
    }

    private RecordSender sender(VarveSerdes known) {
        RecordSender working = sender.orElseGet(() -> new RecordSender(client, known));
        sender = Optional.of(working);
        return working;
    }

    private void lose(String reason) {
        link.fails(Link.Side.WRITER, reason);
        sender.ifPresent(broken -> broken.close(Duration.ZERO));
        sender = Optional.empty();
        retryPauseNanos =
                lostNanos.isEmpty() ? RETRY_PAUSE_NANOS_MIN : Math.min(2 * retryPauseNanos, RETRY_PAUSE_NANOS_MAX);
        lostNanos = Optional.of(nanos.getAsLong());
    }

    private boolean isPausing() {
        return lostNanos
                .filter(since -> nanos.getAsLong() - since < retryPauseNanos)
                .isPresent();
    }

    private boolean isTimeLeft() {
        return closingNanos
                .filter(since -> nanos.getAsLong() - since >= FLUSH_MAX.toNanos())
                .isEmpty();
    }
}
