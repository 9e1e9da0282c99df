package io.varve.capture.tracking;

import io.varve.core.id.SyncPointId;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.random.RandomGenerator;

/** Names for sync points: the time in UTC, for people, and a random part, which makes them unique. */
final class SyncPointIds {
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("uuuuMMdd-HHmmss").withZone(ZoneOffset.UTC);

    private SyncPointIds() {}

    static SyncPointId next(InstantSource clock, RandomGenerator random) {
        return new SyncPointId(
                TIME.format(clock.instant()) + "-" + HexFormat.of().toHexDigits(random.nextInt()));
    }
}
