package io.varve.transfer.nbd;

import java.time.Duration;

/**
 * Bounds of a client.
 *
 * @param connectTimeout for the connection and the handshake
 * @param requestTimeout for one blocking request; the connection is given up then
 * @param inFlightMax requests without an answer; a further one waits
 */
public record NbdClientOptions(Duration connectTimeout, Duration requestTimeout, int inFlightMax) {
    public static final NbdClientOptions DEFAULT =
            new NbdClientOptions(Duration.ofSeconds(10), Duration.ofSeconds(60), 16);
}
