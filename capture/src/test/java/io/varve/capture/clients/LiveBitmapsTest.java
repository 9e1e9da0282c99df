package io.varve.capture.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.tracking.AgentFixture;
import io.varve.core.Tool;
import io.varve.core.transaction.Action;
import io.varve.formats.nbd.NbdUri;
import io.varve.formats.nbd.StatusExtent;
import io.varve.transfer.nbd.NbdClient;
import io.varve.transfer.nbd.NbdClientOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A live drive's dirty bitmaps as nbdinfo, qemu-img and qemu-nbd see them. */
class LiveBitmapsTest {
    private static final String DIRTY = "qemu:dirty-bitmap:b";
    private static final String CLEAN = "0 25165824 0 clean";

    @TempDir
    private Path folder;

    private ServedDrive drive;

    @BeforeEach
    void serve() throws IOException {
        drive = ServedDrive.in(folder);
        drive.transact(AgentFixture.add("drive0", "b"));
    }

    @AfterEach
    void stop() throws IOException {
        drive.close();
    }

    @Test
    void shouldTellWhatWasWrittenBeforeEachRequest() throws Exception {
        assertEquals(List.of(CLEAN), map(drive.unix()));
        ServedDrive.guest(drive.unix(), "write -P 7 1M 4k", "write -z 2M 128k", "discard 4M 64k");

        List<String> dirty = List.of(
                "0 1048576 0 clean",
                "1048576 65536 1 dirty",
                "1114112 983040 0 clean",
                "2097152 131072 1 dirty",
                "2228224 1966080 0 clean",
                "4194304 65536 1 dirty",
                "4259840 20905984 0 clean");
        assertEquals(dirty, map(drive.unix()));
        assertEquals(dirty, map(drive.tcp()));
        // As QEMU shows the dirty bitmap of an export: what's dirty is no data.
        String mapOfQemu = Tool.run(
                        "qemu-img",
                        "map",
                        "--output=json",
                        "--image-opts",
                        "driver=nbd,server.type=unix,server.path=" + drive.socket() + ",export=drive0,x-dirty-bitmap="
                                + DIRTY)
                .success();
        assertEquals(
                List.of("0 1048576 true", "1048576 65536 false", "1114112 983040 true", "2097152 131072 false"),
                mapOfQemu
                        .lines()
                        .map(l -> l.replaceAll(
                                ".*\"start\": (\\d+), \"length\": (\\d+).*\"data\": (true|false).*", "$1 $2 $3"))
                        .limit(4)
                        .toList());
    }

    @Test
    void shouldListEachBitmap() throws Exception {
        drive.transact(AgentFixture.add("drive0", "c:d"));

        for (String said : List.of(
                Tool.run("nbdinfo", "--list", drive.unix("")).success(),
                Tool.run("nbdinfo", drive.tcp()).success(),
                Tool.run("qemu-nbd", "--list", "-k", drive.socket()).success())) {
            assertTrue(said.contains(DIRTY) && said.contains("qemu:dirty-bitmap:c:d"), said);
            assertTrue(said.contains("base:allocation"), said);
        }
        assertNotEquals(
                0,
                Tool.run("nbdinfo", "--map=qemu:dirty-bitmap:c", drive.unix()).exitCode());
    }

    @Test
    void shouldTellADisabledBitmapAndAClearedOne() throws Exception {
        ServedDrive.guest(drive.unix(), "write 0 64k");
        drive.transact(new Action.DisableBitmap("drive0", "b"));
        ServedDrive.guest(drive.unix(), "write 1M 64k");
        List<String> disabled = map(drive.unix());
        drive.transact(new Action.ClearBitmap("drive0", "b"));
        List<String> cleared = map(drive.unix());
        drive.transact(new Action.EnableBitmap("drive0", "b"));
        ServedDrive.guest(drive.unix(), "write 0 64k");

        assertEquals(List.of("0 65536 1 dirty", "65536 25100288 0 clean"), disabled);
        assertEquals(List.of(CLEAN), cleared);
        assertEquals(List.of("0 65536 1 dirty", "65536 25100288 0 clean"), map(drive.unix()));
    }

    @Test
    void shouldTellABusyBitmapsCutAndWhatCameSince() throws Exception {
        ServedDrive.guest(drive.unix(), "write 0 64k");
        String snapshot = drive.snapshot(AgentFixture.incremental("drive0", "b"));
        ServedDrive.guest(drive.unix(), "write 64k 64k");

        assertEquals(List.of("0 131072 1 dirty", "131072 25034752 0 clean"), map(drive.unix()));
        assertEquals(List.of("0 65536 1 dirty", "65536 25100288 0 clean"), map(drive.unix(snapshot)));
    }

    @Test
    void shouldRefuseABitmapThatWasRemovedInMidConnection() throws Exception {
        List<String> contexts = List.of("base:allocation", DIRTY);
        try (NbdClient client = NbdClient.connect(NbdUri.parse(drive.unix()), contexts, NbdClientOptions.DEFAULT)) {
            ServedDrive.guest(drive.unix(), "write 0 64k");
            assertEquals(
                    List.of(new StatusExtent(65536, StatusExtent.DIRTY), new StatusExtent(65536, 0)),
                    client.blockStatus(DIRTY, 0, 131072));

            drive.transact(new Action.RemoveBitmap("drive0", "b"));

            IOException refused = assertThrows(IOException.class, () -> client.blockStatus(DIRTY, 0, 131072));
            assertTrue(String.valueOf(refused.getMessage()).contains("was removed since"), refused.getMessage());
            client.flush();
        }
    }

    private static List<String> map(String uri) throws IOException, InterruptedException {
        String said = Tool.run("nbdinfo", "--map=" + DIRTY, uri).success();
        return said.replaceAll(" +", " ").lines().map(String::strip).toList();
    }
}
