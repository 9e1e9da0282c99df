package io.varve.capture.nbd;

import io.varve.capture.net.Listeners;
import io.varve.formats.nbd.NbdAddress;
import io.varve.transfer.nbd.TlsChannel;
import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An NBD server on any number of addresses: fixed newstyle, one platform thread a connection.
 *
 * <p>Safe for any thread.
 */
public final class NbdServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NbdServer.class);
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);

    private final ExportCatalog catalog;
    private final NbdServerOptions options;
    private final ConnectionLimits limits;
    private final Listeners listeners = new Listeners("nbd", this::admit);
    private final Set<Client> clients = ConcurrentHashMap.newKeySet();
    private final AtomicLong clientCount = new AtomicLong();
    private final ScheduledThreadPoolExecutor deadlines;
    private boolean closed; // Guarded by this.

    private record Client(SocketChannel channel, Thread thread, ConnectionDirectory directory) {}

    public NbdServer(ExportCatalog catalog, NbdServerOptions options) {
        this.catalog = catalog;
        this.options = options;
        this.limits = new ConnectionLimits(options.connectionsPerExportMax());
        this.deadlines = new ScheduledThreadPoolExecutor(
                1, Thread.ofPlatform().daemon().name("nbd-deadlines").factory());
        this.deadlines.setRemoveOnCancelPolicy(true);
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

    /** Where it listens. */
    public List<NbdAddress> addresses() {
        return listeners.addresses();
    }

    private void admit(NbdAddress address, SocketChannel channel) throws IOException {
        long number = clientCount.incrementAndGet();
        if (clients.size() >= options.connectionsMax()) {
            LOG.warn(
                    "nbd server on {}: {} connections are the most; one more was closed",
                    address,
                    options.connectionsMax());
            channel.close();
            return;
        }
        String peer = address instanceof NbdAddress.Tcp ? "from " + channel.getRemoteAddress() : "on " + address;
        Optional<Connection.Encryption> encryption = address instanceof NbdAddress.Tcp
                ? options.tls().map(context -> () -> encrypted(channel, context))
                : Optional.empty();
        start(channel, encryption, number + " " + peer, "nbd-" + number);
    }

    private static TlsChannel encrypted(SocketChannel channel, SSLContext context) throws IOException {
        try {
            return TlsChannel.accept(channel, context);
        } catch (SSLException e) {
            throw new PeerFaultException(String.valueOf(e.getMessage()));
        }
    }

    /** A client that was accepted while the server closes is closed, for nobody would end its connection any more. */
    private synchronized void start(
            SocketChannel channel, Optional<Connection.Encryption> encryption, String peer, String threadName) {
        if (closed) {
            closeQuietly(channel);
            return;
        }
        ScheduledFuture<?> deadline = deadlines.schedule(
                () -> giveUp(channel, peer), options.handshakeTimeout().toMillis(), TimeUnit.MILLISECONDS);
        ConnectionDirectory directory = new ConnectionDirectory(catalog, limits);
        Connection connection = new Connection(channel, encryption, peer, directory, () -> deadline.cancel(false));
        Thread thread = Thread.ofPlatform().daemon().name(threadName).unstarted(() -> {
            Client self = new Client(channel, Thread.currentThread(), directory);
            try {
                connection.run();
            } finally {
                deadline.cancel(false);
                clients.remove(self);
            }
        });
        clients.add(new Client(channel, thread, directory));
        thread.start();
    }

    /** How many connections use an export now. */
    public long connections(String exportName) {
        return entered(exportName).size();
    }

    /** Disconnects all who use an export; their requests have ended when this returns, unless one hangs. */
    public void disconnect(String exportName) {
        List<Client> leaving = entered(exportName);
        leaving.forEach(client -> closeQuietly(client.channel()));
        for (Client client : leaving) {
            if (!joined(client.thread())) {
                LOG.warn("nbd server: a request of export '{}' hangs: its client is left behind", exportName);
            }
        }
    }

    private List<Client> entered(String exportName) {
        return clients.stream()
                .filter(client -> client.directory().hasEntered(exportName))
                .toList();
    }

    private void giveUp(SocketChannel channel, String peer) {
        LOG.warn("nbd client {}: disconnected: no export entered within {}", peer, options.handshakeTimeout());
        closeQuietly(channel);
    }

    /** Answers what has been received, disconnects all clients, and frees the addresses. */
    @Override
    public void close() {
        listeners.close();
        end();
    }

    /** As {@link #close}, but leaves the files of Unix sockets. */
    public void leave() {
        listeners.leave();
        end();
    }

    private void end() {
        synchronized (this) {
            closed = true;
        }
        for (Client client : clients) {
            try {
                client.channel().shutdownInput();
            } catch (IOException e) {
                LOG.debug("a client went away during the shutdown: {}", e.getMessage());
            }
        }
        for (Client client : clients) {
            if (!joined(client.thread())) {
                clients.forEach(stuck -> closeQuietly(stuck.channel()));
            }
        }
        deadlines.shutdownNow();
    }

    private static boolean joined(Thread thread) {
        try {
            return thread.join(CLOSE_TIMEOUT);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private static void closeQuietly(AutoCloseable closeable) {
        try {
            closeable.close();
        } catch (Exception e) {
            LOG.debug("close failed: {}", e.getMessage());
        }
    }
}
