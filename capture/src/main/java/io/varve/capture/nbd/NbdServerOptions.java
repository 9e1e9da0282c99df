package io.varve.capture.nbd;

import java.time.Duration;
import java.util.Optional;
import javax.net.ssl.SSLContext;

/**
 * Bounds of a server, and its encryption.
 *
 * @param handshakeTimeout a client that hasn't entered an export by then is disconnected
 * @param connectionsPerExportMax further ones are refused
 * @param connectionsMax over all exports, those in the handshake included; further ones are closed at once
 * @param tls clients that come by TCP must encrypt with it, and show a certificate; those on Unix sockets need none,
 *     for the socket's file says who may come
 */
public record NbdServerOptions(
        Duration handshakeTimeout, int connectionsPerExportMax, int connectionsMax, Optional<SSLContext> tls) {
    public static final NbdServerOptions DEFAULT = new NbdServerOptions(Duration.ofSeconds(10), 16, 256);

    /** Without encryption. */
    public NbdServerOptions(Duration handshakeTimeout, int connectionsPerExportMax, int connectionsMax) {
        this(handshakeTimeout, connectionsPerExportMax, connectionsMax, Optional.empty());
    }

    /** The same with TLS on TCP. */
    public NbdServerOptions withTls(SSLContext context) {
        return new NbdServerOptions(handshakeTimeout, connectionsPerExportMax, connectionsMax, Optional.of(context));
    }
}
