package io.varve.capture.net;

import io.varve.formats.nbd.NbdAddress;
import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The addresses of a server, each with a thread that accepts. Safe for any thread.
 *
 * <p>Closing frees the addresses and accepts no more; connections are the server's.
 */
public final class Listeners implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Listeners.class);
    private static final long PAUSE_MILLIS = 100;

    private final String server;
    private final Reception reception;
    private final List<Listener> listeners = new CopyOnWriteArrayList<>();

    /** Takes a new connection, on the accepting thread: must be quick. */
    @FunctionalInterface
    public interface Reception {
        void admit(NbdAddress address, SocketChannel channel) throws IOException;
    }

    /**
     * No addresses yet.
     *
     * @param server what the threads and messages call it, such as {@code nbd}
     */
    public Listeners(String server, Reception reception) {
        this.server = server;
        this.reception = reception;
    }

    /**
     * Listens on a further address.
     *
     * @return the address, with the port that was chosen when {@code address} has port 0
     * @throws IOException in one sentence, when the address is taken or can't be had
     */
    public NbdAddress listen(NbdAddress address) throws IOException {
        Listener listener = Listener.bind(address);
        listeners.add(listener);
        Thread.ofPlatform()
                .daemon()
                .name(server + "-accept-" + listener.address())
                .start(() -> accept(listener));
        return listener.address();
    }

    /** Where it listens. */
    public List<NbdAddress> addresses() {
        return listeners.stream().map(Listener::address).toList();
    }

    private void accept(Listener listener) {
        while (true) {
            try {
                SocketChannel channel = listener.channel().accept();
                if (listener.address() instanceof NbdAddress.Tcp) {
                    channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
                }
                reception.admit(listener.address(), channel);
            } catch (ClosedChannelException e) {
                if (!listener.channel().isOpen()) {
                    return;
                }
            } catch (IOException e) {
                LOG.warn("{} server on {}: can't accept: {}", server, listener.address(), e.getMessage());
                pause();
            }
        }
    }

    @Override
    public void close() {
        for (Listener listener : listeners) {
            try {
                listener.close();
            } catch (IOException e) {
                LOG.debug("close failed: {}", e.getMessage());
            }
        }
        listeners.clear();
    }

    /** As {@link #close}, but leaves the files of Unix sockets, where nobody answers then. */
    public void leave() {
        for (Listener listener : listeners) {
            try {
                listener.channel().close();
            } catch (IOException e) {
                LOG.debug("close failed: {}", e.getMessage());
            }
        }
        listeners.clear();
    }

    /** Out of file descriptors, most likely: don't spin. */
    private static void pause() {
        try {
            Thread.sleep(PAUSE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
