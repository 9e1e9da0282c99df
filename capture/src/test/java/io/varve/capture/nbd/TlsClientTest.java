package io.varve.capture.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.formats.nbd.NbdAddress;
import io.varve.formats.nbd.NbdUri;
import io.varve.formats.nbd.StatusExtent;
import io.varve.transfer.nbd.Durability;
import io.varve.transfer.nbd.NbdClient;
import io.varve.transfer.nbd.NbdClientOptions;
import io.varve.transfer.nbd.TlsCredentials;
import io.varve.transfer.source.NbdClusterSource;
import io.varve.transfer.source.NbdSourceOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Our own client with encryption, as sinks and drives on other servers use it. */
@Timeout(120)
class TlsClientTest {
    private static final int MIB = 1 << 20;

    @TempDir
    private static Path folder;

    private static Certificates certificates;
    private static Certificates others;
    private static ServedImage served;

    @BeforeAll
    static void serve() throws Exception {
        certificates = new Certificates(folder.resolve("certificates"));
        others = new Certificates(folder.resolve("others"));
        served = new ServedImage(
                folder, 24L * MIB, NbdServerOptions.DEFAULT.withTls(TlsCredentials.server(certificates.folder)));
    }

    @AfterAll
    static void stop() throws IOException {
        served.close();
    }

    private static NbdUri uri(Path certificates) {
        return NbdUri.parse(served.tcp.toString().replace("nbd://", "nbds://") + "?tls-certificates=" + certificates);
    }

    private static String refusal(NbdUri uri, NbdClientOptions options) {
        IOException e = assertThrows(IOException.class, () -> {
            try (NbdClient client = NbdClient.connect(uri, List.of(), options)) {
                // With TLS 1.3 a server's refusal comes after the client's part of the handshake.
                client.read(0, ByteBuffer.allocate(512));
            }
        });
        return String.valueOf(e.getMessage());
    }

    @Test
    void shouldReadAndWriteWithManyInFlight() throws Exception {
        byte[] content = new byte[8 * MIB];
        new SplittableRandom(5).nextBytes(content);
        try (NbdClient client = NbdClient.connect(
                uri(certificates.folder), List.of(StatusExtent.BASE_ALLOCATION), NbdClientOptions.DEFAULT)) {
            List<CompletableFuture<Void>> writes = new ArrayList<>();
            for (int offset = 0; offset < content.length; offset += 300_000) {
                int length = Math.min(300_000, content.length - offset);
                writes.add(client.writeAsync(offset, ByteBuffer.wrap(content, offset, length), Durability.CACHED));
            }
            for (CompletableFuture<Void> write : writes) {
                write.get(60, TimeUnit.SECONDS);
            }
            client.flush();
            ByteBuffer read = ByteBuffer.allocate(content.length);
            client.read(0, read);
            assertEquals(ByteBuffer.wrap(content), read.flip());
            assertEquals(1, client.metaContexts().size());
        }
        assertEquals(24L * MIB, Files.size(served.image));
    }

    @Test
    void shouldReadASnapshotAsASinkDoes() throws Exception {
        NbdSourceOptions options = NbdSourceOptions.DEFAULT.withTls(TlsCredentials.client(certificates.folder));
        try (NbdClusterSource source = NbdClusterSource.open(served.tcp, Optional.empty(), options)) {
            assertEquals(2, source.connections());
            source.read(23L * MIB, ByteBuffer.allocate(65_536)).get(60, TimeUnit.SECONDS);
        }
    }

    @Test
    void shouldGiveUpEveryRequestWhenTheConnectionIsClosed() throws Exception {
        NbdClient client = NbdClient.connect(uri(certificates.folder), List.of(), NbdClientOptions.DEFAULT);
        client.close();

        assertThrows(IOException.class, () -> client.read(0, ByteBuffer.allocate(512)));
    }

    @Test
    void shouldNotTrustAServerOfAnotherAuthority() {
        String refusal = refusal(uri(others.folder), NbdClientOptions.DEFAULT);

        assertTrue(refusal.contains("no encryption could be agreed on"), refusal);
        assertTrue(refusal.contains("PKIX path"), refusal);
    }

    @Test
    void shouldNotBeTrustedWithACertificateOfAnotherAuthority() throws Exception {
        Path mixed = Files.createDirectories(folder.resolve("mixed"));
        Files.copy(certificates.folder.resolve("ca-cert.pem"), mixed.resolve("ca-cert.pem"));
        Files.copy(others.folder.resolve("client-cert.pem"), mixed.resolve("client-cert.pem"));
        Files.copy(others.folder.resolve("client-key.pem"), mixed.resolve("client-key.pem"));

        String refusal = refusal(uri(mixed), NbdClientOptions.DEFAULT);

        assertTrue(refusal.startsWith("connection to nbds://127.0.0.1:"), refusal);
        assertTrue(refusal.contains("certificate"), refusal);
    }

    @Test
    void shouldSayThatACertificateIsMissing() throws Exception {
        Path bare = Files.createDirectories(folder.resolve("bare"));
        Files.copy(certificates.folder.resolve("ca-cert.pem"), bare.resolve("ca-cert.pem"));

        String refusal = refusal(uri(bare), NbdClientOptions.DEFAULT);

        assertTrue(refusal.contains("client-cert.pem' is missing; a folder of TLS certificates has"), refusal);
    }

    @Test
    void shouldNotTrustAServerThatIsntTheCertificatesHost() {
        NbdUri other = NbdUri.parse(uri(certificates.folder).toString().replace("127.0.0.1", "localhost"));

        String refusal = refusal(other, NbdClientOptions.DEFAULT);

        assertTrue(refusal.contains("localhost"), refusal);
    }

    @Test
    void shouldNotReadFromAServerThatDoesNotEncrypt() throws Exception {
        try (NbdServer clear = new NbdServer(served.exports, NbdServerOptions.DEFAULT)) {
            NbdAddress address = clear.listen(new NbdAddress.Tcp("127.0.0.1", 0));
            NbdClientOptions options = new NbdClientOptions(Duration.ofSeconds(10), Duration.ofSeconds(60), 16)
                    .withTls(Optional.of(TlsCredentials.client(certificates.folder)));

            String refusal = refusal(new NbdUri(address, "drive0"), options);

            assertTrue(refusal.contains("the server doesn't encrypt, which is demanded here"), refusal);
        }
    }

    @Test
    void shouldSayThatTheServerWantsCertificates() {
        String refusal = refusal(served.tcp, NbdClientOptions.DEFAULT);

        assertTrue(refusal.contains("wants encryption, for which this client was given no certificates"), refusal);
    }
}
