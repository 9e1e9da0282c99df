package io.varve.capture.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.tracking.AgentFixture;
import io.varve.core.Tool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A tracked drive and its snapshots as qemu-img, qemu-io, nbdcopy and nbdinfo see them. */
class DriveClientsTest {
    private static final String DIRTY = "qemu:dirty-bitmap:b";

    @TempDir
    private Path folder;

    private ServedDrive drive;

    @BeforeEach
    void serve() throws IOException {
        drive = ServedDrive.in(folder);
    }

    @AfterEach
    void stop() throws IOException {
        drive.close();
    }

    @Test
    void shouldConvertInAndOutByQemuImg() throws Exception {
        Path source = ServedDrive.randomFile(folder.resolve("source.raw"), 21);
        String qcow2 = path("copy.qcow2");

        // Out of order and many at once; then zeroes over what's there.
        qemuImg("convert", "-n", "-W", "-m", "16", "-f", "raw", "-O", "raw", source.toString(), drive.unix());
        qemuImg("convert", "-W", "-m", "16", "-f", "raw", "-O", "qcow2", drive.tcp(), qcow2);
        identical("-f", "raw", "-F", "qcow2", source.toString(), qcow2);
        assertEquals(-1, Files.mismatch(source, drive.image()));
        Path other = ServedDrive.randomFile(folder.resolve("other.raw"), 22);
        qemuImg("convert", "-n", "-S", "0", "-f", "raw", "-O", "raw", other.toString(), drive.tcp());
        identical("-f", "raw", "-F", "raw", other.toString(), drive.unix());
    }

    @Test
    void shouldBearTheBenchOfQemuImg() throws Exception {
        for (String uri : List.of(drive.unix(), drive.tcp())) {
            for (String pattern : List.of("", "-w", "-w --flush-interval=64")) {
                String said = qemuImg(
                        ("bench -f raw -t none -c 4096 -d 32 -s 4096 -S 20480 " + pattern + " " + uri).split(" +"));
                assertTrue(said.contains("Run completed"), said);
            }
        }
        ServedDrive.guest(drive.unix(), "read -P 0 0 24M");
    }

    @Test
    void shouldMapADrive() throws Exception {
        ServedDrive.guest(drive.unix(), "write -P 1 4M 2M", "flush");

        String map = Tool.run("nbdinfo", "--map", drive.tcp()).success().replaceAll(" +", " ");
        String totals = Tool.run("nbdinfo", "--map", "--totals", drive.unix()).success();
        String json = Tool.run("nbdinfo", "--map", "--json", drive.unix()).success();
        String mapOfQemu = qemuImg("map", "-f", "raw", "--output=json", drive.tcp());

        assertEquals(
                List.of("0 4194304 3 hole,zero", "4194304 2097152 0 data", "6291456 18874368 3 hole,zero"),
                map.lines().map(String::strip).toList());
        assertTrue(totals.contains("2097152") && totals.contains("8.3%"), totals);
        assertTrue(json.contains("\"offset\": 4194304"), json);
        assertTrue(mapOfQemu.contains("\"start\": 4194304, \"length\": 2097152"), mapOfQemu);
    }

    @Test
    void shouldListADriveAndItsSnapshots() throws Exception {
        drive.transact(AgentFixture.add("drive0", "b"));
        String snapshot = drive.snapshot(AgentFixture.incremental("drive0", "b"));

        String listed = Tool.run("nbdinfo", "--list", drive.unix("")).success();
        String json = Tool.run("nbdinfo", "--list", "--json", drive.tcp()).success();
        String listedByQemu =
                Tool.run("qemu-nbd", "--list", "-k", drive.socket()).success();

        for (String said : List.of(listed, json, listedByQemu)) {
            assertTrue(said.contains("drive0") && said.contains(snapshot), said);
            assertTrue(said.contains(DIRTY) && said.contains("base:allocation"), said);
            assertTrue(said.contains("tracked by Varve"), said);
        }
    }

    @Test
    void shouldTellASnapshotsDirtyBitmap() throws Exception {
        drive.transact(AgentFixture.add("drive0", "b"));
        ServedDrive.guest(drive.unix(), "write -P 7 1M 4k", "write -P 8 2M 128k");
        String snapshot = drive.snapshot(AgentFixture.incremental("drive0", "b"));
        ServedDrive.guest(drive.unix(), "write -P 9 0 8M");

        String map = Tool.run("nbdinfo", "--map=" + DIRTY, drive.unix(snapshot))
                .success()
                .replaceAll(" +", " ");
        String allocation = Tool.run("nbdinfo", "--map", drive.unix(snapshot)).success();
        // As QEMU shows the dirty bitmap of an export: what's dirty is no data.
        String mapOfQemu = qemuImg(
                "map",
                "--output=json",
                "--image-opts",
                "driver=nbd,server.type=unix,server.path=" + drive.socket() + ",export=" + snapshot + ",x-dirty-bitmap="
                        + DIRTY);

        assertEquals(
                List.of(
                        "0 1048576 0 clean",
                        "1048576 65536 1 dirty",
                        "1114112 983040 0 clean",
                        "2097152 131072 1 dirty",
                        "2228224 22937600 0 clean"),
                map.lines().map(String::strip).toList());
        assertEquals("0 25165824 0 data", allocation.replaceAll(" +", " ").strip());
        assertTrue(
                mapOfQemu.replaceAll(", \"offset.*", "").contains("\"start\": 1048576, \"length\": 65536"), mapOfQemu);
    }

    @Test
    void shouldCopyASnapshotWhileTheGuestWrites() throws Exception {
        Path source = ServedDrive.randomFile(folder.resolve("source.raw"), 23);
        Tool.run("nbdcopy", source.toString(), drive.unix()).success();
        String snapshot = drive.snapshot(AgentFixture.full("drive0"));
        ServedDrive.guest(drive.unix(), "write -P 9 0 8M", "write -z 16M 1M", "discard 18M 1M");

        Path copy = folder.resolve("copy.raw");
        Tool.run("nbdcopy", drive.unix(snapshot), copy.toString()).success();
        ServedDrive.guest(drive.unix(), "write -P 10 0 24M");
        qemuImg("convert", "-f", "raw", "-O", "qcow2", drive.unix(snapshot), path("copy.qcow2"));
        Tool.Result written = Tool.run("nbdcopy", source.toString(), drive.unix(snapshot));

        assertEquals(-1, Files.mismatch(source, copy));
        identical("-f", "raw", "-F", "qcow2", source.toString(), path("copy.qcow2"));
        assertNotEquals(0, written.exitCode());
        ServedDrive.guest(drive.unix(), "read -P 10 0 24M");
    }

    private static String qemuImg(String... arguments) throws IOException, InterruptedException {
        String[] command = new String[arguments.length + 1];
        command[0] = "qemu-img";
        System.arraycopy(arguments, 0, command, 1, arguments.length);
        return Tool.run(command).success();
    }

    private static void identical(String... arguments) throws IOException, InterruptedException {
        String[] command = new String[arguments.length + 1];
        command[0] = "compare";
        System.arraycopy(arguments, 0, command, 1, arguments.length);
        String said = qemuImg(command);
        assertTrue(said.contains("identical"), said);
    }

    private String path(String name) {
        return folder.resolve(name).toString();
    }
}
