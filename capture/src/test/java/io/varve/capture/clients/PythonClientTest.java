package io.varve.capture.clients;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.nbd.Certificates;
import io.varve.capture.nbd.NbdServerOptions;
import io.varve.capture.tracking.AgentFixture;
import io.varve.core.Tool;
import io.varve.transfer.nbd.TlsCredentials;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The drive as libnbd's Python module sees it, in scripts beside this class: what the tools don't ask for. */
class PythonClientTest {
    // The distribution's interpreter, which finds the distribution's module; another one may come first on the path.
    private static final String PYTHON = "/usr/bin/python3";

    @TempDir
    private Path folder;

    @Test
    void shouldServeADrive() throws Exception {
        try (ServedDrive drive = ServedDrive.in(folder)) {
            run("drive.py", drive.unix(), drive.tcp());
        }
    }

    @Test
    void shouldServeAnEncryptedDrive() throws Exception {
        Path certificates = new Certificates(folder.resolve("certificates")).folder();
        NbdServerOptions options = NbdServerOptions.DEFAULT.withTls(TlsCredentials.server(certificates));
        try (ServedDrive drive = new ServedDrive(folder, options)) {
            run("drive.py", "nbds://127.0.0.1:" + drive.port() + "/drive0?tls-certificates=" + certificates);
        }
    }

    @Test
    void shouldServeASnapshot() throws Exception {
        try (ServedDrive drive = ServedDrive.in(folder)) {
            drive.transact(AgentFixture.add("drive0", "b"));
            ServedDrive.guest(drive.unix(), "write -P 7 1M 4k", "write -P 8 2M 128k", "write -P 9 24575k 1k");
            String snapshot = drive.snapshot(AgentFixture.incremental("drive0", "b"));
            ServedDrive.guest(drive.unix(), "write -P 1 0 24M");

            run(
                    "snapshot.py",
                    drive.unix(snapshot),
                    "b",
                    ServedDrive.MIB + "+65536",
                    2 * ServedDrive.MIB + "+131072",
                    24 * ServedDrive.MIB - 65536 + "+65536");
        }
    }

    private void run(String script, String... arguments) throws IOException, InterruptedException {
        Path file = folder.resolve(script);
        try (InputStream source = Objects.requireNonNull(PythonClientTest.class.getResourceAsStream(script), script)) {
            Files.copy(source, file);
        }
        List<String> command = new ArrayList<>(List.of(PYTHON, file.toString()));
        command.addAll(List.of(arguments));
        String said = Tool.run(command.toArray(String[]::new)).success();
        assertTrue(said.contains("is content"), said);
    }
}
