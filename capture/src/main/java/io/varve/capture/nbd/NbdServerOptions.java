package io.varve.capture.nbd;

import java.time.Duration;

/**
 * Bounds of a server.
 *
 * @param handshakeTimeout a client that hasn't entered an export by then is disconnected
 * @param connectionsPerExportMax further ones are refused
 * @param connectionsMax over all exports, those in the handshake included; further ones are closed at once
 */
public record NbdServerOptions(Duration handshakeTimeout, int connectionsPerExportMax, int connectionsMax) {
    public static final NbdServerOptions DEFAULT = new NbdServerOptions(Duration.ofSeconds(10), 16, 256);
}
