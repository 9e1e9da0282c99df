package io.varve.capture.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.backend.UpstreamServer;
import io.varve.capture.nbd.Certificates;
import io.varve.capture.nbd.NbdServerOptions;
import io.varve.core.Tool;
import io.varve.transfer.nbd.TlsCredentials;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The drive behind nbdkit's nbd plugin, and clients in front of that. */
class ProxyTest {
    @TempDir
    private Path folder;

    @Test
    void shouldServeAProxyOnTheUnixSocket() throws Exception {
        try (ServedDrive drive = ServedDrive.in(folder);
                UpstreamServer proxy = proxy("uri=" + drive.unix())) {
            assertPassesAllThrough(proxy.uri().toString(), drive);
        }
    }

    @Test
    void shouldServeAProxyThatEncrypts() throws Exception {
        Path certificates = new Certificates(folder.resolve("certificates")).folder();
        NbdServerOptions options = NbdServerOptions.DEFAULT.withTls(TlsCredentials.server(certificates));
        try (ServedDrive drive = new ServedDrive(folder, options);
                UpstreamServer proxy = proxy(
                        "hostname=127.0.0.1",
                        "port=" + drive.port(),
                        "export=drive0",
                        "tls=require",
                        "tls-certificates=" + certificates)) {
            assertPassesAllThrough(proxy.uri().toString(), drive);
        }
    }

    private UpstreamServer proxy(String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of("nbd"));
        command.addAll(List.of(arguments));
        return UpstreamServer.nbdkit(folder.resolve("proxy.sock"), command);
    }

    private void assertPassesAllThrough(String uri, ServedDrive drive) throws Exception {
        Path source = ServedDrive.randomFile(folder.resolve("source.raw"), 11);
        Path copy = folder.resolve("copy.raw");

        Tool.run("nbdcopy", "--flush", source.toString(), uri).success();
        Tool.run("nbdcopy", uri, copy.toString()).success();
        assertEquals(-1, Files.mismatch(source, copy));
        assertEquals(-1, Files.mismatch(source, drive.image()));

        ServedDrive.guest(
                uri, "write -f -P 3 1M 64k", "write -z 2M 64k", "discard 3M 64k", "flush", "read -P 3 1M 64k");
        String compared = Tool.run("qemu-img", "compare", "-f", "raw", "-F", "raw", uri, drive.unix())
                .success();
        assertTrue(compared.contains("identical"), compared);
        String map = Tool.run("nbdinfo", "--map", uri).success();
        assertTrue(map.contains("hole,zero"), map);
        String told = Tool.run("nbdinfo", uri).success();
        assertTrue(told.contains("export-size: " + ServedDrive.SIZE_BYTES), told);
        assertTrue(told.contains("can_fast_zero: true") && told.contains("can_multi_conn: true"), told);
    }
}
