package io.varve.capture.publish;

import io.varve.capture.tracking.Agent;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.apache.kafka.clients.CommonClientConfigs;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An agent's connection with Kafka: one thread publishes what happens to its drives, another one reads what became of
 * their backups. Kafka may be away, at the start and later, for as long as it likes: both try again for ever, and the
 * agent keeps what it has to say.
 *
 * <pre>
 *   guests --> Agent --DriveFeed--> LogPublisher --> varve.changes
 *                ^                       ^  `------> varve.backup-outcomes   what became of a unit?
 *                `----- conclude --- OutcomeReader &lt;-- varve.backup-outcomes
 * </pre>
 *
 * <p>Close it before its agent, whose last words (the detach, the backups that it cancels) stay in the journals and are
 * published by the next run. Safe for any thread.
 */
public final class Publishing implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Publishing.class);
    private static final long CLOSE_NANOS_MAX = Duration.ofMillis(4_800).toNanos();

    private final Agent agent;
    private final Link link;
    private final LogPublisher publisher;
    private final OutcomeReader reader;
    private final LongSupplier nanos;
    private final List<Thread> threads;

    private Publishing(Surroundings around, Link link, LogPublisher publisher, OutcomeReader reader) {
        this.agent = around.agent();
        this.nanos = around.nanos();
        this.link = link;
        this.publisher = publisher;
        this.reader = reader;
        this.threads = List.of(thread("varve-publisher", publisher), thread("varve-outcomes", reader));
    }

    /** What both threads use. */
    record Surroundings(Agent agent, Map<String, Object> client, LongSupplier nanos) {}

    /**
     * Starts it, for the drives of now and later; returns at once, whatever Kafka does.
     *
     * @param client the settings of Kafka's clients, with {@code bootstrap.servers}
     * @param progress hears of the copies of running backups
     * @param nanos a clock that only goes forward, for waits
     */
    public static Publishing start(
            Agent agent, Map<String, Object> client, ArchiveProgress progress, LongSupplier nanos) {
        Link link = new Link(String.valueOf(client.get(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG)));
        Surroundings around = new Surroundings(agent, Map.copyOf(client), nanos);
        LogPublisher publisher = new LogPublisher(around, link);
        OutcomeReader reader = new OutcomeReader(around, progress, publisher, link);
        Publishing publishing = new Publishing(around, link, publisher, reader);
        agent.listen(publisher::ring);
        publishing.threads.forEach(Thread::start);
        return publishing;
    }

    /** How it goes now; waits for the agent's control lock. */
    public PublishingStatus status() {
        long waiting = agent.states().keySet().stream()
                .flatMap(drive -> agent.feed(drive).stream())
                .mapToLong(feed -> feed.waitingControls())
                .sum();
        return new PublishingStatus(link.problem(), waiting);
    }

    /** Publishes what's left, if Kafka takes it soon, and ends, within 5 s in any case. */
    @Override
    public void close() {
        reader.close();
        publisher.close();
        long sinceNanos = nanos.getAsLong();
        try {
            for (Thread thread : threads) {
                long leftNanos = CLOSE_NANOS_MAX - (nanos.getAsLong() - sinceNanos);
                if (!thread.join(Duration.ofNanos(leftNanos))) {
                    LOG.warn("{} hasn't ended yet: Kafka holds it up; it ends when the process does", thread.getName());
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Nobody interrupts these: an interrupt would close the agent's files. */
    private static Thread thread(String name, Runnable task) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        return thread;
    }
}
