package io.varve.capture.tracking;

import io.varve.capture.nbd.ExportRegistry;
import java.time.InstantSource;
import java.util.UUID;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/**
 * What an agent finds around it.
 *
 * @param exports where drives and snapshots are offered
 * @param nanos a clock that only goes forward, for waits
 * @param random for ids: a secure one, safe for any thread
 * @param boot the host's boot id ({@code /proc/sys/kernel/random/boot_id})
 */
public record AgentSurroundings(
        ExportRegistry exports, InstantSource clock, LongSupplier nanos, RandomGenerator random, UUID boot) {
    UUID randomId() {
        return new UUID(random.nextLong(), random.nextLong());
    }
}
