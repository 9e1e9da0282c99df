package io.varve.capture.tracking;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.activity.ActivityOptions;
import io.varve.capture.power.PowerDisk;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.id.BitmapName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Power cuts at every kind of moment: the journal, the marks, the activity log and the image lose or tear what wasn't
 * made durable, and live sets vanish. No bit may be lost, and no bitmap (reliability.md section 3, row 5).
 */
class HostCrashTest {
    private static final int SEEDS = Integer.getInteger("varve.seeds", 500);
    private static final int SABOTAGE_SEEDS = 1_000;

    @TempDir(factory = MemoryBacked.class)
    Path memory;

    @Test
    void shouldLoseNoBitOverPowerCuts() throws IOException { // I1, I2, I3, reliability 6.5, 6.6, 6.16, 6.18
        String chosen = System.getProperty("varve.seed", "");
        long first = chosen.isEmpty() ? 0 : Long.parseLong(chosen);
        long end = chosen.isEmpty() ? SEEDS : first + 1;
        int cuts = 0;
        for (long seed = first; seed < end; seed++) {
            try {
                cuts += run(seed, name -> false);
            } catch (AssertionError | RuntimeException | IOException e) {
                throw new AssertionError("failed; replay with -Dvarve.seed=" + seed + ": " + e.getMessage(), e);
            }
        }
        System.out.println("HostCrashTest: " + cuts + " power cuts in " + (end - first) + " seeds");
    }

    @Test
    void shouldSaySoWhenThereWasNoActivityLog() throws IOException { // I4
        PowerCutHost host;
        try (CoarseClock clock = new CoarseClock(InstantSource.system())) {
            host = new PowerCutHost(
                    new PowerDisk(name -> false), memory, clock, new SplittableRandom(1), ActivityOptions.OFF);
            host.attach();
            var _ = host.transact(AgentFixture.add(PowerCutHost.DRIVE.value(), "a"));
            host.kill(List.of());
            host.reboot(new SplittableRandom(2));
            host.attach();
            host.kill(List.of());
        }

        assertInstanceOf(
                BitmapStatus.Inconsistent.class,
                host.state().bitmap(new BitmapName("a")).orElseThrow().status());
    }

    @Test
    void shouldNoticeWritesBeforeTheirRegionIsLogged() {
        assertFound("the activity log's records aren't synced", name -> name.equals("activity"));
    }

    @Test
    void shouldNoticeRegionsRetiredBeforeTheirMarksAreDurable() {
        assertFound("open marks aren't synced", name -> name.contains(".open"));
    }

    @Test
    void shouldNoticeASealBeforeItsMarks() {
        assertFound("sealed marks aren't synced", name -> name.contains(".marks"));
    }

    @Test
    void shouldNoticeAJournalThatIsNotSynced() {
        assertFound("the journal isn't synced", name -> name.equals("journal"));
    }

    @Test
    void shouldNoticeNamesThatAreNotSynced() {
        assertFound("the directory isn't synced", name -> name.equals("disk0"));
    }

    @Test
    void shouldNoticeAnImageThatIsNotFlushedAfterACut() {
        assertFound("the image isn't flushed", name -> name.equals("disk0.raw"));
    }

    /** A broken agent, whose syncs of some files do nothing, is found out. */
    private void assertFound(String what, Predicate<String> liesAbout) {
        for (long seed = 0; seed < SABOTAGE_SEEDS; seed++) {
            try {
                int _ = run(seed, liesAbout);
            } catch (AssertionError | RuntimeException | IOException e) {
                System.out.println("HostCrashTest: " + what + ": found by seed " + seed + ": " + e.getMessage());
                return;
            }
        }
        assertTrue(false, () -> what + ", and " + SABOTAGE_SEEDS + " seeds don't show it");
    }

    private int run(long seed, Predicate<String> liesAbout) throws IOException {
        Path folder = Files.createTempDirectory(memory, "host");
        try (CoarseClock clock = new CoarseClock(InstantSource.system())) {
            PowerCutRun run = new PowerCutRun(new PowerDisk(liesAbout), folder, clock, new SplittableRandom(seed));
            run.run();
            return run.cuts;
        }
    }
}
