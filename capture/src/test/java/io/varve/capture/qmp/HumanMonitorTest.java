package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The human monitor's words, as QEMU 7.2.22 said them when it was asked the same. */
class HumanMonitorTest {
    private static final String HELP = "\r\nTry \"help %s\" for more information\r\n";

    @TempDir
    private Path folder;

    private LiveAgent live;
    private QmpClient monitor;

    @BeforeEach
    void start() throws IOException {
        live = LiveAgent.start(folder, 1 << 20, "drive0", "drive1");
        monitor = live.monitor();
    }

    @AfterEach
    void stop() throws IOException {
        monitor.close();
        live.close();
    }

    @Test
    void shouldSayWhatIsWrong() {
        Map<String, String> answers = Map.ofEntries(
                Map.entry("bogus", "unknown command: 'bogus'\r\n"),
                Map.entry("info bogus", "unknown command: 'info bogus'\r\n"),
                Map.entry("qemu-io", "qemu-io: block device name expected" + HELP.formatted("qemu-io")),
                Map.entry("qemu-io zz", "qemu-io: string expected" + HELP.formatted("qemu-io")),
                Map.entry("qemu-io zz 'length'", "Error: Cannot find device='' nor node-name='zz'\r\n"),
                Map.entry("block_resize drive0", "invalid size" + HELP.formatted("block_resize")),
                Map.entry("block_resize drive0 x", "invalid size" + HELP.formatted("block_resize")),
                Map.entry("block_resize zz 1M", "Error: Cannot find device='zz' nor node-name=''\r\n"),
                Map.entry("info block -q", "block: unsupported option -q" + HELP.formatted("info block")),
                Map.entry("info block-jobs", "No active jobs\r\n"),
                Map.entry("block_job_cancel zz", "Error: Block job 'zz' not found\r\n"),
                Map.entry("drive_backup zz /x", "Error: Cannot find device='zz' nor node-name='zz'\r\n"),
                Map.entry("info name", ""),
                Map.entry("", ""));
        answers.forEach((line, answer) -> assertEquals(answer, run(line), line));
    }

    @Test
    void shouldDescribeDrivesAndImages() {
        String node = monitor.run("{'execute': 'query-block'}")
                .get(1)
                .get("inserted")
                .get("node-name")
                .textValue();
        String image = live.image("drive1").toString();

        // The first device is another: so an empty line comes first.
        assertEquals(
                "\r\ndrive1 (" + node + "): " + image + " (raw)\r\n    Cache mode:       writeback\r\n",
                run("info block drive1"));
        assertTrue(run("info block -n").contains(node + ": " + image + " (raw)\r\n"));
        String all = run("info block -v drive1");
        assertTrue(
                all.contains("\r\nImages:\r\nimage: " + image
                        + "\r\nfile format: raw\r\nvirtual size: 1 MiB (1048576 bytes)\r\ndisk size: "),
                all);
    }

    @Test
    void shouldCountWhatGuestsAskFor() {
        run("qemu-io drive0 'write 0 64k'");
        run("qemu-io drive0 'read 0 4k'");

        var stats = monitor.run("{'execute': 'query-blockstats'}").get(0).get("stats");

        assertEquals(65_536, stats.get("wr_bytes").intValue());
        assertEquals(1, stats.get("wr_operations").intValue());
        assertEquals(4_096, stats.get("rd_bytes").intValue());
    }

    private String run(String line) {
        return monitor.run("{'execute': 'human-monitor-command', 'arguments': {'command-line': \"" + line + "\"}}")
                .textValue();
    }
}
