package io.varve.transfer.source;

import java.time.Duration;
import java.util.Optional;
import javax.net.ssl.SSLContext;

/**
 * How an export is read.
 *
 * @param connections at most; a server that doesn't offer several to one client gets one
 * @param connectTimeout for a connection and its handshake
 * @param stallTimeout how long the server may answer none of the requests in flight
 * @param tls connections by TCP are encrypted with it, or not made
 */
public record NbdSourceOptions(
        int connections, Duration connectTimeout, Duration stallTimeout, Optional<SSLContext> tls) {
    public static final int CONNECTIONS_MAX = 16;
    public static final NbdSourceOptions DEFAULT =
            new NbdSourceOptions(2, Duration.ofSeconds(10), Duration.ofSeconds(60));

    public NbdSourceOptions {
        if (connections < 1 || connections > CONNECTIONS_MAX) {
            throw new IllegalArgumentException(
                    "nbd-connections is " + connections + "; expected 1 to " + CONNECTIONS_MAX);
        }
        if (!connectTimeout.isPositive() || !stallTimeout.isPositive()) {
            throw new IllegalArgumentException("nbd-connect-timeout is " + connectTimeout + ", nbd-stall-timeout is "
                    + stallTimeout + "; expected times above 0");
        }
    }

    public NbdSourceOptions withConnections(int count) {
        return new NbdSourceOptions(count, connectTimeout, stallTimeout, tls);
    }

    /** Without encryption. */
    public NbdSourceOptions(int connections, Duration connectTimeout, Duration stallTimeout) {
        this(connections, connectTimeout, stallTimeout, Optional.empty());
    }

    /** The same with TLS on TCP. */
    public NbdSourceOptions withTls(SSLContext context) {
        return new NbdSourceOptions(connections, connectTimeout, stallTimeout, Optional.of(context));
    }
}
