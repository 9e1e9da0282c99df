package io.varve.sink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.archive.ArchiveSettings;
import io.varve.transfer.CopyBudget;
import io.varve.transfer.source.NbdSourceOptions;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class SinkConfigTest {
    @Test
    void shouldNameWhatIsWrong() throws Exception {
        Properties values = new Properties();
        values.setProperty(ArchiveSettings.ARCHIVE, "file:/archive");
        SinkConfig config = SinkConfig.of("127.0.0.1:9092", ArchiveSettings.of(values, Map.of()));

        assertEquals(2, config.workers());
        assertRefused("kafka is ''; expected HOST:PORT", () -> SinkConfig.of("", config.archive()));
        assertRefused("workers is '0'; expected 1 to 64", () -> config.withWorkers(0));
        assertRefused("heartbeat is 'PT0S'; expected", () -> with(config, Duration.ZERO, CopyBudget.DEFAULT));
        assertRefused("copy-memory", () -> with(config, Duration.ofSeconds(1), new CopyBudget(0, 1)));
        assertRefused("nbd-connections is 17; expected 1 to 16", () -> NbdSourceOptions.DEFAULT.withConnections(17));
    }

    private static SinkConfig with(SinkConfig config, Duration heartbeat, CopyBudget budget) {
        return new SinkConfig(
                config.bootstrapServers(), config.archive(), 1, budget, heartbeat, config.source(), Map.of());
    }

    private static void assertRefused(String part, Executable making) {
        String message = assertThrows(IllegalArgumentException.class, making).toString();
        assertTrue(message.contains(part), message);
    }
}
