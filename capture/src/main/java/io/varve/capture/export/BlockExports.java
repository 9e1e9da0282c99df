package io.varve.capture.export;

import io.varve.capture.nbd.NbdServer;
import io.varve.capture.nbd.NbdServerOptions;
import io.varve.capture.node.DeviceIo;
import io.varve.capture.node.Node;
import io.varve.capture.node.NodeGraph;
import io.varve.capture.node.NodeRefusedException;
import io.varve.capture.tracking.Agent;
import io.varve.core.drive.Bitmap;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import io.varve.formats.nbd.NbdAddress;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * QEMU's block exports of type nbd, and the NBD server that they're on. It's a server of its own: guests write to
 * another one, which is there from the start.
 *
 * <p>Thread: safe for any thread; takes the graph's lock within its own, never the other way round.
 */
public final class BlockExports implements AutoCloseable {
    private static final Pattern WELL_FORMED = Pattern.compile("[a-zA-Z][a-zA-Z0-9._-]*");
    private static final int TEXT_BYTES_MAX = 4096;
    private static final int MANY = 100_000;
    /** How long the end of a connection whose client has left may take. */
    private static final long LEAVING_NANOS = Duration.ofMillis(200).toNanos();

    private final Agent agent;
    private final NodeGraph graph;
    private final Map<String, BlockExport> exports = new LinkedHashMap<>();
    private final List<Consumer<String>> listeners = new CopyOnWriteArrayList<>();
    private Optional<Running> running = Optional.empty();

    private record Running(NbdServer server, ListedExports registry, int connectionsMax) {}

    /** What becomes of clients that use an export which is removed. */
    public enum Removal {
        /** The export stays as long as it has any. */
        SAFE,
        /** They're disconnected. */
        HARD
    }

    /** No server, no exports. */
    public BlockExports(Agent agent, NodeGraph graph) {
        this.agent = agent;
        this.graph = graph;
    }

    /** Has {@code listener} told the id of each export that goes from now on. */
    public void listen(Consumer<String> listener) {
        listeners.add(listener);
    }

    /**
     * QMP's nbd-server-start.
     *
     * @param connectionsMax further clients are disconnected at once; 0 for any number
     * @throws NodeRefusedException also when the address can't be had
     */
    public synchronized void start(NbdAddress address, long connectionsMax) throws NodeRefusedException {
        if (running.isPresent()) {
            throw new NodeRefusedException("NBD server already running");
        }
        int max = connectionsMax == 0 ? MANY : (int) Math.min(MANY, connectionsMax);
        ListedExports registry = new ListedExports();
        NbdServer server =
                new NbdServer(registry, new NbdServerOptions(NbdServerOptions.DEFAULT.handshakeTimeout(), max, max));
        try {
            NbdAddress _ = server.listen(address);
        } catch (IOException | RuntimeException e) {
            server.close();
            throw new NodeRefusedException(inWords(String.valueOf(e.getMessage())));
        }
        running = Optional.of(new Running(server, registry, max));
    }

    /** QEMU's words, where its reason is the system's. */
    private static String inWords(String failure) {
        String ours = "can't listen on unix:";
        return failure.startsWith(ours) ? "Failed to bind socket to " + failure.substring(ours.length()) : failure;
    }

    /** QMP's nbd-server-stop: all exports go. */
    public synchronized void stop() throws NodeRefusedException {
        Running stopping = running();
        running = Optional.empty();
        List<BlockExport> going = newestFirst().reversed();
        going.forEach(export -> stopping.registry().remove(export.order().name()));
        stopping.server().close();
        going.forEach(this::gone);
    }

    private Running running() throws NodeRefusedException {
        return running.orElseThrow(() -> new NodeRefusedException("NBD server not running"));
    }

    /** QMP's block-export-add. */
    public synchronized void add(ExportOrder order) throws NodeRefusedException {
        if (!WELL_FORMED.matcher(order.id()).matches()) {
            throw new NodeRefusedException("Invalid block export id");
        }
        if (exports.containsKey(order.id())) {
            throw new NodeRefusedException("Block export id '" + order.id() + "' is already in use");
        }
        Node node = graph.get(Optional.empty(), Optional.of(order.node()));
        if (node.isReadOnly() && order.writable()) {
            throw new NodeRefusedException("Cannot export read-only node as writable");
        }
        Running server = running();
        checkText("export name", order.name());
        checkText("description", order.description());
        if (server.registry().find(order.name()).isPresent()) {
            throw new NodeRefusedException("NBD server already has export named '" + order.name() + "'");
        }
        List<OfferedBitmap> bitmaps = new ArrayList<>();
        for (ExportOrder.BitmapName bitmap : order.bitmaps()) {
            bitmaps.add(bitmap(node, order, bitmap));
        }
        BlockExport export =
                new BlockExport(order, new DeviceIo(node, agent.surroundings().nanos()), bitmaps);
        begin(export);
        exports.put(order.id(), export);
        server.registry().add(order.name(), new OfferedNode(export, server.connectionsMax() != 1), order.description());
    }

    private static void checkText(String what, String text) throws NodeRefusedException {
        if (text.getBytes(StandardCharsets.UTF_8).length > TEXT_BYTES_MAX) {
            throw new NodeRefusedException(what + " '" + text + "' too long");
        }
    }

    private OfferedBitmap bitmap(Node node, ExportOrder order, ExportOrder.BitmapName wanted)
            throws NodeRefusedException {
        if (wanted.node().isPresent()) {
            String name = wanted.node().get();
            Node holder = graph.find(name).orElseThrow(() -> new NodeRefusedException("Node '" + name + "' not found"));
            return in(holder, wanted.name())
                    .orElseThrow(() -> new NodeRefusedException("Dirty bitmap '" + wanted.name() + "' not found"));
        }
        Optional<Node> at = Optional.of(node);
        Optional<OfferedBitmap> found = Optional.empty();
        while (found.isEmpty() && at.isPresent()) {
            found = in(at.get(), wanted.name());
            at = at.get().filteredOrBacking();
        }
        OfferedBitmap bitmap =
                found.orElseThrow(() -> new NodeRefusedException("Bitmap '" + wanted.name() + "' is not found"));
        if (!order.writable() && !bitmap.node().isReadOnly() && bitmap.bitmap().isRecording()) {
            throw new NodeRefusedException("Enabled bitmap '" + wanted.name() + "' incompatible with readonly export");
        }
        return bitmap;
    }

    private Optional<OfferedBitmap> in(Node node, String name) {
        Optional<DriveId> drive = node.drive();
        if (drive.isEmpty() || !BitmapName.isValid(name)) {
            return Optional.empty();
        }
        Optional<Bitmap> bitmap = agent.state(drive.get()).flatMap(state -> state.bitmap(new BitmapName(name)));
        return bitmap.map(found -> new OfferedBitmap(node, drive.get(), found));
    }

    /** Takes all bitmaps, or none. */
    private void use(List<OfferedBitmap> bitmaps) throws NodeRefusedException {
        List<OfferedBitmap> taken = new ArrayList<>();
        for (OfferedBitmap bitmap : bitmaps) {
            Optional<String> objection =
                    agent.bitmaps().begin(bitmap.drive(), bitmap.bitmap().name());
            if (objection.isPresent()) {
                release(taken);
                throw new NodeRefusedException(objection.get());
            }
            taken.add(bitmap);
        }
    }

    private void release(List<OfferedBitmap> bitmaps) {
        bitmaps.forEach(
                bitmap -> agent.bitmaps().end(bitmap.drive(), bitmap.bitmap().name()));
    }

    /** Has its nodes and bitmaps count as used, or none of them. */
    private void begin(BlockExport export) throws NodeRefusedException {
        use(export.bitmaps().stream().distinct().toList());
        List<BlockExport.Used> begun = new ArrayList<>();
        try {
            for (BlockExport.Used used : export.used()) {
                graph.begin(used.node(), used.use());
                begun.add(used);
            }
        } catch (NodeRefusedException e) {
            begun.forEach(used -> graph.end(used.node(), used.use()));
            release(export.bitmaps().stream().distinct().toList());
            throw e;
        }
    }

    /** QMP's block-export-del. */
    @SuppressWarnings("ReferenceEquality") // this very export is meant
    public synchronized void remove(String id, Removal how) throws NodeRefusedException {
        BlockExport export = Optional.ofNullable(exports.get(id))
                .orElseThrow(() -> new NodeRefusedException("Export '" + id + "' is not found"));
        Running server = running();
        String name = export.order().name();
        if (how == Removal.SAFE && isUsed(server, name)) {
            throw new NodeRefusedException("export '" + id + "' still in use");
        }
        if (exports.get(id) != export) {
            return; // Another monitor removed it while this one waited, and may have added another one.
        }
        server.registry().remove(name);
        server.server().disconnect(name);
        gone(export);
    }

    /** A client may have left, and its thread not know it yet: it has a moment for that. */
    private boolean isUsed(Running server, String name) {
        long deadline = agent.surroundings().nanos().getAsLong() + LEAVING_NANOS;
        while (server.server().connections(name) > 0) {
            if (agent.surroundings().nanos().getAsLong() - deadline >= 0) {
                return true;
            }
            try {
                wait(1);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return true;
            }
        }
        return false;
    }

    private void gone(BlockExport export) {
        exports.remove(export.id());
        synchronized (graph) { // No overlay may replace its node in between.
            export.used().forEach(used -> graph.end(used.node(), used.use()));
        }
        release(export.bitmaps().stream().distinct().toList());
        listeners.forEach(listener -> listener.accept(export.id()));
    }

    /** Those that are there, the newest first. */
    public synchronized List<BlockExport> newestFirst() {
        return new ArrayList<>(exports.values()).reversed();
    }

    /** Ends the server, if it runs; its socket's file stays, as QEMU leaves it when it ends. */
    @Override
    public synchronized void close() {
        if (running.isPresent()) {
            Running stopping = running.get();
            running = Optional.empty();
            exports.keySet().forEach(id -> listeners.forEach(listener -> listener.accept(id)));
            exports.clear();
            stopping.server().leave();
        }
    }
}
