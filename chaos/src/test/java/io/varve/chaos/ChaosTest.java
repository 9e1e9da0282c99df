package io.varve.chaos;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Some rounds of what {@code chaos/run} does at length. */
class ChaosTest {
    private static final int ROUNDS = 20;
    private static final int WRITES_WITHOUT_KAFKA = 50_000;

    /** Where failed rounds are kept; fio works in a folder of its own, so it takes whole names. */
    private static final Path KEPT = Path.of("target", "chaos").toAbsolutePath();

    @TempDir
    Path folder;

    // I1, I2, I3, I5, I6, I9, I14
    @Test
    void shouldLoseNothingWhateverProcessDies() throws Exception {
        long seed = seed();
        Path kept = Files.createTempDirectory(Files.createDirectories(KEPT), "rounds");
        try (EventLog events = EventLog.in(kept.resolve("events.log"), line -> System.out.println(line))) {
            events.say("seed " + seed + ", folder " + kept);
            Figures figures = ChaosRun.run(kept, events, new ChaosRun.Settings(ROUNDS, seed, RoundPlan::draw));

            events.say(figures.toString());
            assertEquals(ROUNDS, figures.rounds());
            assertTrue(figures.syncPoints() > ROUNDS, figures::toString);
        }
        ChaosMain.delete(kept);
    }

    // I9, I10
    @Test
    void shouldServeWithoutKafka() throws Exception {
        try (EventLog events = EventLog.in(folder.resolve("events.log"), line -> System.out.println(line))) {
            KafkaAway.Settings settings = new KafkaAway.Settings(WRITES_WITHOUT_KAFKA, seed());
            events.say(KafkaAway.run(folder, events, settings).toString());
        }
    }

    private static long seed() {
        String said = System.getProperty("varve.seed", "");
        return said.isEmpty() ? new SecureRandom().nextInt(Integer.MAX_VALUE) : Long.parseLong(said);
    }
}
