package io.varve.simulator;

/** Removes what no committed manifest names. Nothing shipped does: this shows what has to be spared (I13). */
final class Collector {
    private final World world;

    Collector(World world) {
        this.world = world;
    }

    void run() {
        world.store().collect(key -> {
            boolean isGarbage =
                    !key.startsWith("sync-points/") && !world.oracle().isNamed(key);
            boolean isSpared =
                    world.rules().sparesLiveAttempts() && world.attempts().isOfAny(key);
            if (isGarbage && !isSpared) {
                world.schedule().note(() -> "the collector removes " + key);
            }
            return isGarbage && !isSpared;
        });
    }
}
