package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
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
                Map.entry("eject", "eject: block device name expected" + HELP.formatted("eject")),
                Map.entry("eject -q zz", "eject: unsupported option -q" + HELP.formatted("eject")),
                Map.entry("eject a b", "eject: extraneous characters at the end of line" + HELP.formatted("eject")),
                Map.entry("eject -f zz", "Error: Device 'zz' not found\r\n"),
                Map.entry("eject drive0", "Error: Device 'drive0' is not removable\r\n"),
                Map.entry("drive_del", "drive_del: block device name expected" + HELP.formatted("drive_del")),
                Map.entry("drive_del zz", "Device 'zz' not found\r\n"),
                Map.entry(
                        "info blockstats x",
                        "blockstats: extraneous characters at the end of line" + HELP.formatted("info blockstats")),
                Map.entry("help bogus", "unknown command: 'bogus'\r\n"),
                Map.entry("help info bogus", "unknown command: 'info bogus'\r\n"),
                Map.entry("?  drive_del", "drive_del device -- remove host block device\r\n"),
                Map.entry("help info name", "info name  -- show the current VM name\r\n"),
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
    void shouldHelpWithEachCommandThatItHas() {
        String all = run("help");

        for (String line : all.lines().toList()) {
            if (!line.startsWith("\t")) {
                String name = line.substring(0, line.indexOf(' ')).replaceFirst("[|].*", "");
                assertTrue(all.contains(run("help " + name)) || name.equals("info"), name);
                assertFalse(run(name).startsWith("unknown command"), name);
            }
        }
        assertEquals(run("info"), run("help info"));
    }

    @Test
    void shouldDeleteNodesButNoDrives() {
        monitor.run("{'execute': 'blockdev-add', 'arguments': {'driver': 'null-co', 'node-name': 'n', 'size': 4096}}");

        assertEquals("", run("drive_del n"));

        assertEquals("Device 'n' not found\r\n", run("drive_del n"));
        assertTrue(run("drive_del drive0").startsWith("Device 'drive0' is in use: "));
    }

    @Test
    void shouldCountWhatGuestsAskFor() {
        run("qemu-io drive0 'write 0 64k'");
        run("qemu-io drive0 'read 0 4k'");

        var stats = monitor.run("{'execute': 'query-blockstats'}").get(0).get("stats");

        assertEquals(65_536, stats.get("wr_bytes").intValue());
        assertEquals(1, stats.get("wr_operations").intValue());
        assertEquals(4_096, stats.get("rd_bytes").intValue());
        String zeroTimes = " wr_total_time_ns=0 rd_total_time_ns=0 flush_total_time_ns=0 rd_merged=0 wr_merged=0"
                + " idle_time_ns=0\r\n";
        assertEquals(
                "drive0: rd_bytes=4096 wr_bytes=65536 rd_operations=1 wr_operations=1 flush_operations=0" + zeroTimes
                        + "drive1: rd_bytes=0 wr_bytes=0 rd_operations=0 wr_operations=0 flush_operations=0"
                        + zeroTimes,
                run("info blockstats"));
    }

    private String run(String line) {
        return monitor.run("{'execute': 'human-monitor-command', 'arguments': {'command-line': \"" + line + "\"}}")
                .textValue();
    }
}
