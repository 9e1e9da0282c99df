package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.varve.core.Tool;
import io.varve.formats.nbd.NbdError;
import io.varve.transfer.nbd.Durability;
import io.varve.transfer.nbd.NbdClient;
import io.varve.transfer.nbd.NbdException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** {@code block_resize}, and what those see of it who are connected, and those who come after. */
@Timeout(120)
class ResizeCommandTest {
    private static final int MIB = 1 << 20;

    @TempDir
    private Path folder;

    @Test
    void shouldTellNewConnectionsAlone() throws Exception {
        try (LiveAgent agent = LiveAgent.start(folder, 4 * MIB, "drive0");
                QmpClient monitor = agent.monitor();
                NbdClient guest = agent.guest("drive0")) {
            monitor.run("{'execute': 'block_resize', 'arguments': {'device': 'drive0', 'size': 8388608}}");

            assertEquals("8388608", size(agent));
            assertRefused(NbdError.EINVAL, () -> guest.read(4 * MIB, ByteBuffer.allocate(512)));
            assertRefused(NbdError.ENOSPC, () -> write(guest, 4 * MIB));
            write(guest, 4 * MIB - 512);
            try (NbdClient later = agent.guest("drive0")) {
                write(later, 8 * MIB - 512);
            }

            monitor.run("{'execute': 'block_resize', 'arguments': {'device': 'drive0', 'size': 2097152}}");

            assertEquals("2097152", size(agent));
            assertEquals(2 * MIB, Files.size(agent.image("drive0")));
            assertEquals(
                    2 * MIB,
                    monitor.run("{'execute': 'query-block'}")
                            .get(0)
                            .at("/inserted/image/virtual-size")
                            .intValue());
            assertRefused(NbdError.EINVAL, () -> guest.read(2 * MIB, ByteBuffer.allocate(512)));
            assertRefused(NbdError.ENOSPC, () -> write(guest, 2 * MIB));
            write(guest, 2 * MIB - 512);
        }
    }

    @Test
    void shouldRefuseInQemusWords() throws Exception {
        try (LiveAgent agent = LiveAgent.start(folder, 4 * MIB, "drive0");
                QmpClient monitor = agent.monitor()) {
            assertEquals("Parameter 'size' is missing", refused(monitor, "'device': 'drive0'"));
            assertEquals(
                    "Cannot find device='' nor node-name='zz'", refused(monitor, "'node-name': 'zz', 'size': 512"));
            assertEquals("Cannot find device='' nor node-name=''", refused(monitor, "'size': 512"));
            assertEquals("Parameter 'size' expects a >0 size", refused(monitor, "'device': 'drive0', 'size': -512"));
            assertEquals(
                    "The new size must be a multiple of 512", refused(monitor, "'device': 'drive0', 'size': 1000"));
        }
    }

    private static String refused(QmpClient monitor, String arguments) {
        return monitor.refused("{'execute': 'block_resize', 'arguments': {" + arguments + "}}");
    }

    private static String size(LiveAgent agent) throws Exception {
        return Tool.run("nbdinfo", "--size", agent.export("drive0").toString())
                .success()
                .strip();
    }

    private static void write(NbdClient guest, long offsetBytes) throws Exception {
        guest.write(offsetBytes, ByteBuffer.allocate(512), Durability.CACHED);
    }

    private static void assertRefused(NbdError error, Executable request) {
        assertEquals(error, assertThrows(NbdException.class, request).error());
    }
}
