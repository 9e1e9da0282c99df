package io.varve.transfer.nbd;

import java.time.Duration;
import java.util.Optional;
import javax.net.ssl.SSLContext;

/**
 * Bounds of a client.
 *
 * @param connectTimeout for the connection and the handshake
 * @param requestTimeout for one blocking request; the connection is given up then
 * @param inFlightMax requests without an answer; a further one waits
 * @param tls connections by TCP are encrypted with it, or not made; those by Unix sockets need no encryption
 */
public record NbdClientOptions(
        Duration connectTimeout, Duration requestTimeout, int inFlightMax, Optional<SSLContext> tls) {
    public static final NbdClientOptions DEFAULT =
            new NbdClientOptions(Duration.ofSeconds(10), Duration.ofSeconds(60), 16);

    /** Without encryption. */
    public NbdClientOptions(Duration connectTimeout, Duration requestTimeout, int inFlightMax) {
        this(connectTimeout, requestTimeout, inFlightMax, Optional.empty());
    }

    /** The same with TLS on TCP, where {@code context} is given. */
    public NbdClientOptions withTls(Optional<SSLContext> context) {
        return new NbdClientOptions(connectTimeout, requestTimeout, inFlightMax, context);
    }
}
