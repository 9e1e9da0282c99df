package io.varve.capture.qmp;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.BackendAccess;
import io.varve.capture.backend.RawFileBackend;
import io.varve.capture.export.BlockExports;
import io.varve.capture.handover.HandoverDesk;
import io.varve.capture.job.Jobs;
import io.varve.capture.nbd.Export;
import io.varve.capture.nbd.ExportRegistry;
import io.varve.capture.nbd.NbdServer;
import io.varve.capture.nbd.NbdServerOptions;
import io.varve.capture.node.NodeGraph;
import io.varve.capture.node.NodeListener;
import io.varve.capture.tracking.Agent;
import io.varve.capture.tracking.AgentOptions;
import io.varve.capture.tracking.AgentSurroundings;
import io.varve.formats.nbd.NbdAddress;
import io.varve.formats.nbd.NbdUri;
import io.varve.transfer.nbd.NbdClient;
import io.varve.transfer.nbd.NbdClientOptions;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.function.UnaryOperator;

/** A whole agent in this process, without Kafka: raw images, an NBD server, jobs and a QMP server. */
final class LiveAgent implements AutoCloseable {
    final Agent agent;
    final NodeGraph graph;
    final Jobs jobs;
    final BlockExports blockExports;
    final NbdAddress qmp;
    final CountDownLatch quit = new CountDownLatch(1);

    private final Path folder;
    private final NbdServer nbdServer;
    private final NbdAddress nbd;
    private final QmpServer qmpServer;

    private LiveAgent(Path folder, List<String> drives, long sizeBytes, UnaryOperator<Backend> wrap)
            throws IOException {
        this.folder = folder;
        ExportRegistry exports = new ExportRegistry();
        nbdServer = new NbdServer(exports, NbdServerOptions.DEFAULT);
        nbd = nbdServer.listen(new NbdAddress.Unix(folder.resolve("nbd.sock").toString()));
        agent = Agent.open(
                AgentOptions.in(folder.resolve("state"), folder.resolve("live"), nbd.toString()),
                new AgentSurroundings(
                        exports, InstantSource.system(), System::nanoTime, new SecureRandom(), new UUID(3, 4)));
        graph = new NodeGraph(agent);
        graph.listen(new NodeListener() {
            @Override
            public void offered(String name, Export export, boolean isDevice) {
                if (isDevice) {
                    exports.add(name, export);
                }
            }

            @Override
            public void withdrawn(String name) {
                exports.remove(name);
            }
        });
        for (String drive : drives) {
            Path image = image(drive);
            if (!Files.exists(image)) {
                try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
                    file.setLength(sizeBytes);
                }
            }
            Backend backend = wrap.apply(RawFileBackend.open(image, BackendAccess.READ_WRITE));
            graph.adopt(drive, image, backend);
        }
        jobs = new Jobs(agent, graph, InstantSource.system());
        blockExports = new BlockExports(agent, graph);
        HandoverDesk handovers = new HandoverDesk(agent, graph, text -> {
            throw new IllegalArgumentException(text);
        });
        qmpServer = new QmpServer(
                new QmpServer.Face(agent, jobs, graph, blockExports, handovers, "varve test", _ -> {}, quit::countDown),
                InstantSource.system());
        qmp = qmpServer.listen(new NbdAddress.Unix(folder.resolve("qmp.sock").toString()));
    }

    static LiveAgent start(Path folder, long sizeBytes, String... drives) throws IOException {
        return start(folder, sizeBytes, backend -> backend, drives);
    }

    /** @param wrap stands between the agent and each drive's image */
    static LiveAgent start(Path folder, long sizeBytes, UnaryOperator<Backend> wrap, String... drives)
            throws IOException {
        return new LiveAgent(folder, List.of(drives), sizeBytes, wrap);
    }

    Path image(String drive) {
        return folder.resolve(drive + ".raw");
    }

    NbdAddress listen(NbdAddress address) throws IOException {
        return qmpServer.listen(address);
    }

    /** A port of this machine on which the drives are served from now on, too. */
    int tcpPort() throws IOException {
        return ((NbdAddress.Tcp) nbdServer.listen(new NbdAddress.Tcp("127.0.0.1", 0))).port();
    }

    NbdUri export(String name) {
        return new NbdUri(nbd, name);
    }

    NbdClient guest(String drive) throws IOException {
        return NbdClient.connect(export(drive), List.of(), NbdClientOptions.DEFAULT);
    }

    QmpClient monitor() throws IOException {
        return QmpClient.negotiated(qmp);
    }

    @Override
    public void close() throws IOException {
        blockExports.close();
        nbdServer.close();
        jobs.close();
        // Last but one, so that monitors hear how the jobs ended.
        qmpServer.close();
        agent.close();
    }
}
