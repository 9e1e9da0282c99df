package io.varve.capture;

import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.nbd.Certificates;
import io.varve.capture.nbd.ExportRegistry;
import io.varve.capture.tracking.AgentOptions;
import io.varve.capture.tracking.AgentSurroundings;
import io.varve.core.Tool;
import io.varve.formats.nbd.NbdAddress;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An agent with {@code --tls-certs}. */
class CaptureTlsTest {
    @TempDir
    private Path folder;

    @Test
    void shouldDemandEncryptionOnTcpAlone() throws Exception {
        Path certificates = new Certificates(folder.resolve("certificates")).folder();
        String socket = folder.resolve("nbd.sock").toString();
        try (CaptureRole role = CaptureRole.start(config("127.0.0.1:10809", certificates), surroundings())) {
            NbdAddress.Tcp tcp = (NbdAddress.Tcp) role.nbdAddresses().getLast();

            String encrypted = "nbds://127.0.0.1:" + tcp.port() + "/drive0?tls-certificates=" + certificates;
            Tool.run("nbdcopy", encrypted, folder.resolve("copy.raw").toString())
                    .success();
            String told = Tool.run("nbdinfo", encrypted).success();
            assertTrue(told.contains("drive drive0, tracked by Varve"), told);
            assertNotEquals(
                    0,
                    Tool.run("nbdinfo", "nbd://127.0.0.1:" + tcp.port() + "/drive0")
                            .exitCode());
            Tool.run("nbdinfo", "nbd+unix:///drive0?socket=" + socket).success();
        }
    }

    private CaptureConfig config(String exportAddress, Path certificates) throws IOException {
        Path state = Files.createDirectories(folder.resolve("state"));
        return new CaptureConfig(
                AgentOptions.in(state, folder.resolve("live"), exportAddress),
                List.of(new NbdAddress.Unix(folder.resolve("nbd.sock").toString()), new NbdAddress.Tcp("127.0.0.1", 0)),
                Optional.of(certificates),
                List.of(),
                CaptureConfig.planOf(List.of(DriveArgument.parse("drive0=" + image()))),
                Optional.empty(),
                "varve test");
    }

    private Path image() throws IOException {
        Path image = folder.resolve("drive0.raw");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(1 << 20);
        }
        return image;
    }

    private static AgentSurroundings surroundings() {
        return new AgentSurroundings(
                new ExportRegistry(), InstantSource.system(), System::nanoTime, new SecureRandom(), new UUID(1, 2));
    }
}
