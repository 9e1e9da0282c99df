package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.varve.capture.export.BlockExports;
import io.varve.capture.handover.HandoverDesk;
import io.varve.capture.hmp.HumanMonitor;
import io.varve.capture.job.ArchiveBackups;
import io.varve.capture.job.Jobs;
import io.varve.capture.net.Listeners;
import io.varve.capture.node.NodeGraph;
import io.varve.capture.node.NodeRefusedException;
import io.varve.capture.tracking.Agent;
import io.varve.formats.nbd.NbdAddress;
import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A QMP server on any number of addresses, for several clients at once; each gets every event.
 *
 * <p>Safe for any thread.
 */
public final class QmpServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(QmpServer.class);
    private static final int MONITORS_MAX = 64;

    private final String packageName;
    private final Agent agent;
    private final NodeGraph graph;
    private final CommandTable commands;
    private final Events events;
    private final Listeners listeners = new Listeners("qmp", this::admit);
    private final Set<Monitor> monitors = ConcurrentHashMap.newKeySet();
    private final AtomicLong monitorCount = new AtomicLong();

    /**
     * What the server speaks for.
     *
     * @param packageName told as the version's package, as {@code varve 0.1.0}
     * @param console takes what qemu-io prints: QEMU's own standard output
     * @param quit asks the agent to end: called on a monitor's thread when a client wants that, so it must return soon
     *     and not close the server itself
     */
    public record Face(
            Agent agent,
            Jobs jobs,
            NodeGraph graph,
            BlockExports exports,
            HandoverDesk handovers,
            String packageName,
            Consumer<String> console,
            Runnable quit) {}

    public QmpServer(Face face, InstantSource clock) {
        this.packageName = face.packageName();
        this.agent = face.agent();
        this.graph = face.graph();
        this.events = new Events(clock);
        Jobs jobs = face.jobs();
        List<Command> all = new ArrayList<>();
        all.addAll(new TransactionCommands(jobs).commands());
        all.add(new BitmapDigest(face.agent(), face.graph()).command());
        all.addAll(new QueryCommands(new BlockInfo(face.agent(), jobs, face.graph())).commands());
        all.addAll(new JobCommands(jobs).commands());
        all.add(new CreateCommand(jobs, face.graph()).command());
        all.add(new CommitCommand(
                        jobs, face.graph(), face.agent().surroundings().nanos())
                .command());
        all.addAll(new VarveCommands(jobs, new ArchiveBackups(face.agent(), jobs, face.graph())).commands());
        all.addAll(new HandoverCommands(face.handovers()).commands());
        all.addAll(new NodeCommands(face.graph(), jobs).commands());
        all.addAll(new ExportCommands(face.exports(), face.graph()).commands());
        all.addAll(new BlockStats(face.graph()).commands());
        FailedJobs failed = new FailedJobs();
        all.addAll(failed.commands());
        HumanMonitor human = new HumanMonitor(face.graph(), face.console(), this::execute);
        all.add(Command.of(
                "human-monitor-command",
                List.of(Parameter.text("command-line"), Parameter.optional("cpu-index", new Parameter.Type.Whole())),
                arguments -> TextNode.valueOf(human.run(arguments.text("command-line")))));
        all.add(Command.of("query-version", List.of(), _ -> AgentVersion.json(packageName)));
        all.add(Command.of("query-name", List.of(), _ -> JsonText.object()));
        all.add(Command.of("quit", List.of(), _ -> JsonText.object()).then(() -> {
            broadcast(events.shutdown());
            face.quit().run();
        }));
        this.commands = new CommandTable(all);
        jobs.listen(failed);
        jobs.listen(event -> broadcast(events.of(event)));
        face.exports().listen(id -> broadcast(events.exportDeleted(id)));
    }

    /** A command of the human monitor's. */
    private Optional<JsonNode> execute(String name, ObjectNode arguments) throws NodeRefusedException {
        Optional<Command> command = commands.find(name);
        if (command.isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(command.get().run(arguments));
        } catch (QmpException e) {
            throw new NodeRefusedException(e.description());
        }
    }

    /**
     * Listens on a further address.
     *
     * @return the address, with the port that was chosen when {@code address} has port 0
     * @throws IOException in one sentence, when the address is taken or can't be had
     */
    public NbdAddress listen(NbdAddress address) throws IOException {
        return listeners.listen(address);
    }

    private void broadcast(JsonNode event) {
        byte[] line = JsonText.line(event);
        monitors.forEach(monitor -> monitor.event(line));
    }

    private void admit(NbdAddress address, SocketChannel channel) throws IOException {
        if (monitors.size() >= MONITORS_MAX) {
            LOG.warn("qmp server on {}: {} clients are the most; one more was closed", address, MONITORS_MAX);
            channel.close();
            return;
        }
        String peer = monitorCount.incrementAndGet() + " on " + address;
        ReconcileCommands own = new ReconcileCommands(agent, graph);
        Monitor monitor = new Monitor(channel, peer, new Session(commands.with(own.commands())));
        monitors.add(monitor);
        Thread.ofPlatform().daemon().name("qmp-" + peer).start(() -> {
            try {
                monitor.run(AgentVersion.greeting(packageName));
            } finally {
                monitors.remove(monitor);
                // Whoever compares is gone.
                own.close();
            }
        });
    }

    /** Tells the clients what's left to tell, disconnects them, and frees the addresses. */
    @Override
    public void close() {
        listeners.close();
        monitors.forEach(Monitor::end);
        // All at once, else each that doesn't read would be waited for by itself.
        List<Thread> leaving = monitors.stream()
                .map(monitor -> Thread.ofVirtual().name("qmp-leave").start(() -> monitor.finish(Monitor.LEAVE_TIMEOUT)))
                .toList();
        try {
            for (Thread thread : leaving) {
                thread.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
