package io.varve.capture;

import io.varve.capture.export.BlockExports;
import io.varve.capture.handover.HandoverDesk;
import io.varve.capture.job.Jobs;
import io.varve.capture.nbd.ExportRegistry;
import io.varve.capture.nbd.NbdServer;
import io.varve.capture.nbd.NbdServerOptions;
import io.varve.capture.node.NodeGraph;
import io.varve.capture.publish.Publishing;
import io.varve.capture.qmp.QmpServer;
import io.varve.capture.tracking.Agent;
import io.varve.capture.tracking.AgentSurroundings;
import io.varve.formats.nbd.NbdAddress;
import io.varve.transfer.nbd.TlsCredentials;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The agent's role: serves drives by NBD, takes commands by QMP, and publishes what happens to the log. It starts and
 * serves with Kafka away.
 *
 * <p>Safe for any thread.
 */
public final class CaptureRole implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(CaptureRole.class);

    /** What a part of the role needs to end. */
    private interface Ending {
        void run() throws IOException;
    }

    private final CountDownLatch quit = new CountDownLatch(1);
    private final Deque<Ending> endings = new ArrayDeque<>();
    private final NbdServer nbd;
    private List<String> notices = List.of();

    private CaptureRole(ExportRegistry exports, NbdServerOptions options) {
        nbd = new NbdServer(exports, options);
    }

    /**
     * Starts the role.
     *
     * @param surroundings its exports must be empty
     * @throws IOException in one sentence: what can't be had, and what to do; nothing is left then
     */
    public static CaptureRole start(CaptureConfig config, AgentSurroundings surroundings) throws IOException {
        return start(config, surroundings, text -> LOG.info("qemu-io: {}", text.strip()));
    }

    /**
     * Starts the role.
     *
     * @param console takes what QMP's qemu-io prints
     */
    public static CaptureRole start(CaptureConfig config, AgentSurroundings surroundings, Consumer<String> console)
            throws IOException {
        CaptureRole role = new CaptureRole(surroundings.exports(), serverOptions(config));
        try {
            role.open(config, surroundings, console);
            return role;
        } catch (IOException | RuntimeException e) {
            role.close();
            throw e;
        }
    }

    private static NbdServerOptions serverOptions(CaptureConfig config) throws IOException {
        return config.tlsCerts().isPresent()
                ? NbdServerOptions.DEFAULT.withTls(
                        TlsCredentials.server(config.tlsCerts().get()))
                : NbdServerOptions.DEFAULT;
    }

    private void open(CaptureConfig config, AgentSurroundings surroundings, Consumer<String> console)
            throws IOException {
        Path liveDirectory = config.agent().liveDirectory();
        Agent agent = Agent.open(config.agent(), surroundings);
        NodeGraph graph = new NodeGraph(agent);
        endings.push(graph::close);
        endings.push(() -> removeEmpty(liveDirectory));
        endings.push(agent::close);
        graph.listen(new GuestExports(surroundings.exports(), config.plan().offersNodes()));
        HandoverDesk handovers =
                new HandoverDesk(agent, graph, text -> DriveArgument.parse(text).driveDisk());
        notices = new StartingGraph(agent, graph, handovers).make(config.plan());
        Jobs jobs = new Jobs(agent, graph, surroundings.clock());
        config.kafka().ifPresent(client -> {
            Publishing publishing = Publishing.start(
                    agent,
                    client,
                    (unit, drive, copied, total) -> jobs.progressed(drive, unit.syncPoint(), copied, total),
                    surroundings.nanos());
            endings.push(publishing::close);
        });
        BlockExports blockExports = new BlockExports(agent, graph);
        QmpServer.Face face = new QmpServer.Face(
                agent, jobs, graph, blockExports, handovers, config.packageName(), console, this::quit);
        QmpServer qmp = new QmpServer(face, surroundings.clock());
        endings.push(qmp::close);
        // Before publishing and QMP: how its jobs end is to be told by both.
        endings.push(jobs::close);
        endings.push(nbd::close);
        endings.push(blockExports::close);
        for (NbdAddress address : config.nbd()) {
            LOG.info("NBD on {}", nbd.listen(address));
        }
        for (NbdAddress address : config.qmp()) {
            LOG.info("QMP on {}", qmp.listen(address));
        }
    }

    /** A clean detach leaves folders without a file. */
    private static void removeEmpty(Path liveDirectory) throws IOException {
        if (!Files.isDirectory(liveDirectory)) {
            return;
        }
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(liveDirectory)) {
            for (Path folder : folders) {
                Files.deleteIfExists(folder);
            }
            Files.deleteIfExists(liveDirectory);
        } catch (DirectoryNotEmptyException e) {
            LOG.debug("'{}' still holds live sets", liveDirectory);
        }
    }

    /** Where drives and snapshots are served, with the ports that were chosen. */
    public List<NbdAddress> nbdAddresses() {
        return nbd.addresses();
    }

    /** A sentence for each drive that isn't served from the start, since it's another agent's. */
    public List<String> notices() {
        return notices;
    }

    /** Waits until somebody asks the role to end. */
    public void awaitQuit() throws InterruptedException {
        quit.await();
    }

    /** Asks the role to end; returns at once. */
    public void quit() {
        quit.countDown();
    }

    /** Ends everything in order: what runs is cancelled, the drives are detached, the bitmaps kept. */
    @Override
    public synchronized void close() throws IOException {
        quit();
        List<IOException> failures = new ArrayList<>();
        while (!endings.isEmpty()) {
            try {
                endings.pop().run();
            } catch (IOException e) {
                failures.add(e);
            }
        }
        if (!failures.isEmpty()) {
            failures.subList(1, failures.size()).forEach(failures.getFirst()::addSuppressed);
            throw failures.getFirst();
        }
    }
}
