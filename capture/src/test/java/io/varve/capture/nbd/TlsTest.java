package io.varve.capture.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.Tool;
import io.varve.formats.nbd.NbdAddress;
import io.varve.transfer.nbd.NbdClient;
import io.varve.transfer.nbd.NbdSockets;
import io.varve.transfer.nbd.TlsCredentials;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.SplittableRandom;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Encryption on TCP, with real clients, and with those that try to get around it. */
@Timeout(120)
class TlsTest {
    private static final int MIB = 1 << 20;
    private static final String MAGIC = "49484156454f5054";
    private static final String STRUCTURED = MAGIC + "00000008" + "00000000";
    private static final String START_TLS = MAGIC + "00000005" + "00000000";

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

    @Test
    void shouldServeNbdinfo() throws Exception {
        String told = Tool.run("nbdinfo", uri(certificates.folder)).success();

        assertTrue(told.contains("TLS") && told.contains("export-size: 25165824"), told);
        assertTrue(told.contains("base:allocation"), told);
    }

    @Test
    void shouldCopyInAndOutByNbdcopy() throws Exception {
        Path source = randomFile("source.raw");
        Path copy = folder.resolve("copy.raw");

        Tool.run("nbdcopy", "--flush", source.toString(), uri(certificates.folder))
                .success();
        Tool.run("nbdcopy", uri(certificates.folder), copy.toString()).success();

        assertEquals(-1, Files.mismatch(source, copy));
        assertEquals(-1, Files.mismatch(source, served.image));
    }

    @Test
    void shouldServeQemuImg() throws Exception {
        String info = qemuImgInfo(certificates.folder).success();

        assertTrue(info.contains("virtual size: 24 MiB"), info);
    }

    @Test
    void shouldRefuseAClientOfAnotherAuthority() throws Exception {
        Path mixed = Files.createDirectories(folder.resolve("mixed"));
        Files.copy(certificates.folder.resolve("ca-cert.pem"), mixed.resolve("ca-cert.pem"));
        Files.copy(others.folder.resolve("client-cert.pem"), mixed.resolve("client-cert.pem"));
        Files.copy(others.folder.resolve("client-key.pem"), mixed.resolve("client-key.pem"));

        assertNotEquals(0, Tool.run("nbdinfo", uri(mixed)).exitCode());
        assertNotEquals(0, qemuImgInfo(mixed).exitCode());
        assertStillServes();
    }

    @Test
    void shouldRefuseAClientWithoutACertificate() throws Exception {
        Path bare = Files.createDirectories(folder.resolve("bare"));
        Files.copy(certificates.folder.resolve("ca-cert.pem"), bare.resolve("ca-cert.pem"));

        assertNotEquals(0, Tool.run("nbdinfo", uri(bare)).exitCode());
        assertStillServes();
    }

    @Test
    void shouldRefuseAClientThatDoesNotEncrypt() throws Exception {
        assertNotEquals(0, Tool.run("nbdinfo", served.tcp.toString()).exitCode());
        IOException ours = assertThrows(IOException.class, () -> ServedImage.client(served.tcp));

        assertTrue(ours.toString().contains("wants encryption"), ours.toString());
    }

    @Test
    void shouldAskNoEncryptionOfUnixSockets() throws Exception {
        try (NbdClient client = served.client()) {
            assertEquals(24L * MIB, client.sizeBytes());
        }
    }

    @Test
    void shouldAnswerNothingInTheClear() throws Exception {
        String go = MAGIC + "00000007" + "0000000c" + "00000006" + "647269766530" + "0000";
        try (SocketChannel channel = NbdSockets.connect(address(), Duration.ofSeconds(5))) {
            send(channel, "00000003" + STRUCTURED + go + MAGIC + "00000003" + "00000000");

            received(channel, 18);
            for (int option : new int[] {8, 7, 3}) {
                ByteBuffer reply = received(channel, 20);
                assertEquals(option, reply.getInt(8));
                assertEquals(0x80000005, reply.getInt(12));
                received(channel, reply.getInt(16));
            }
        }
    }

    /** Commands that somebody puts in before the encryption must not count as the client's (CVE-2021-3716). */
    @Test
    void shouldThrowAwayWhatComesInTheClearBehindStartTls() throws Exception {
        try (SocketChannel channel = NbdSockets.connect(address(), Duration.ofSeconds(5))) {
            send(channel, "00000003" + START_TLS + STRUCTURED);

            received(channel, 18);
            ByteBuffer acknowledged = received(channel, 20);
            assertEquals(1, acknowledged.getInt(12));
            // Neither an answer to what came behind, nor one in the clear ever after: an alert at most, and the end.
            channel.shutdownOutput();
            ByteBuffer rest = ByteBuffer.allocate(4096);
            while (channel.read(rest) >= 0 && rest.hasRemaining()) {
                Thread.onSpinWait();
            }
            assertTrue(rest.position() == 0 || rest.get(0) == 21, "type of the first record: " + rest.get(0));
        }
        assertStillServes();
    }

    @Test
    void shouldDisconnectOnGarbageInsteadOfTls() throws Exception {
        try (SocketChannel channel = NbdSockets.connect(address(), Duration.ofSeconds(5))) {
            send(channel, "00000003" + START_TLS);
            received(channel, 18 + 20);
            byte[] garbage = new byte[4096];
            new SplittableRandom(1).nextBytes(garbage);
            channel.write(ByteBuffer.wrap(garbage));
            channel.shutdownOutput();

            ByteBuffer rest = ByteBuffer.allocate(4096);
            try {
                while (channel.read(rest) >= 0) {
                    Thread.onSpinWait();
                }
            } catch (IOException e) {
                // Closed with bytes unread, so the end comes as a reset.
                assertTrue(channel.isOpen());
            }
            assertTrue(rest.position() < 100);
        }
        assertStillServes();
    }

    @Test
    void shouldDisconnectWhoNegotiatesAgain() throws Exception {
        Path client = Files.createDirectories(folder.resolve("again"));
        Files.copy(certificates.folder.resolve("ca-cert.pem"), client.resolve("ca-cert.pem"));
        Files.copy(certificates.folder.resolve("client-cert.pem"), client.resolve("server-cert.pem"));
        Files.copy(certificates.folder.resolve("client-key.pem"), client.resolve("server-key.pem"));
        SSLContext context = TlsCredentials.server(client);
        try (Socket plain =
                new Socket(InetAddress.getLoopbackAddress(), address().port())) {
            plain.getOutputStream().write(HexFormat.of().parseHex("00000003" + START_TLS));
            plain.getInputStream().readNBytes(18 + 20);
            SSLSocket socket = (SSLSocket) context.getSocketFactory()
                    .createSocket(plain, "127.0.0.1", address().port(), true);
            socket.setEnabledProtocols(new String[] {"TLSv1.2"});
            socket.startHandshake();
            socket.getOutputStream().write(HexFormat.of().parseHex(STRUCTURED));
            socket.getInputStream().readNBytes(20);

            socket.startHandshake();

            assertTrue(isEnded(socket));
        }
        assertStillServes();
    }

    @Test
    void shouldReadTraditionalRsaKeys() throws Exception {
        Certificates rsa = new Certificates(folder.resolve("rsa"));
        rsa.useTraditionalRsaKey();
        try (NbdServer server =
                new NbdServer(served.exports, NbdServerOptions.DEFAULT.withTls(TlsCredentials.server(rsa.folder)))) {
            NbdAddress.Tcp tcp = (NbdAddress.Tcp) server.listen(new NbdAddress.Tcp("127.0.0.1", 0));

            String uri = "nbds://127.0.0.1:" + tcp.port() + "/drive0?tls-certificates=" + rsa.folder;
            assertTrue(Tool.run("nbdinfo", "--size", uri).success().contains("25165824"));
        }
    }

    @Test
    void shouldSayWhichCertificateIsMissingOrMalformed() throws Exception {
        Path incomplete = Files.createDirectories(folder.resolve("incomplete"));
        assertReads(incomplete, "ca-cert.pem' is missing");
        Files.copy(certificates.folder.resolve("ca-cert.pem"), incomplete.resolve("ca-cert.pem"));
        Files.writeString(incomplete.resolve("server-cert.pem"), "nothing of the kind");
        assertReads(incomplete, "server-cert.pem' holds no certificate");
        Files.delete(incomplete.resolve("server-cert.pem"));
        Files.copy(certificates.folder.resolve("server-cert.pem"), incomplete.resolve("server-cert.pem"));
        Files.writeString(incomplete.resolve("server-key.pem"), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END ");
        assertReads(incomplete, "server-key.pem' holds a private key that can't be read as RSA");
        Files.writeString(incomplete.resolve("server-key.pem"), "-----BEGIN ENCRYPTED PRIVATE KEY-----\n");
        assertReads(incomplete, "openssl pkcs8");
        Files.writeString(incomplete.resolve("ca-crl.pem"), "");
        assertReads(incomplete, "revokes certificates");
    }

    private static void assertStillServes() throws Exception {
        assertTrue(Tool.run("nbdinfo", "--size", uri(certificates.folder))
                .success()
                .contains("25165824"));
    }

    private static boolean isEnded(Socket socket) {
        try {
            return socket.getInputStream().read() < 0;
        } catch (IOException e) {
            return true;
        }
    }

    private static void assertReads(Path certificatesFolder, String reasonPart) {
        IOException failure = assertThrows(IOException.class, () -> TlsCredentials.server(certificatesFolder));

        assertTrue(failure.toString().contains(reasonPart), failure.toString());
    }

    private static NbdAddress.Tcp address() {
        return (NbdAddress.Tcp) served.tcp.address();
    }

    private static String uri(Path certificatesFolder) {
        return "nbds://127.0.0.1:" + address().port() + "/drive0?tls-certificates=" + certificatesFolder;
    }

    private static Tool.Result qemuImgInfo(Path certificatesFolder) throws Exception {
        return Tool.run(
                "qemu-img",
                "info",
                "--object",
                "tls-creds-x509,id=tls0,endpoint=client,dir=" + certificatesFolder,
                "--image-opts",
                "driver=nbd,host=127.0.0.1,port=" + address().port() + ",export=drive0,tls-creds=tls0");
    }

    private static Path randomFile(String name) throws IOException {
        byte[] content = new byte[24 * MIB];
        byte[] part = new byte[7 * MIB];
        new SplittableRandom(4).nextBytes(part);
        System.arraycopy(part, 0, content, 5 * MIB + 512, part.length);
        return Files.write(folder.resolve(name), content);
    }

    private static void send(SocketChannel channel, String hex) throws IOException {
        channel.write(ByteBuffer.wrap(HexFormat.of().parseHex(hex)));
    }

    private static ByteBuffer received(SocketChannel channel, int lengthBytes) throws IOException {
        ByteBuffer in = ByteBuffer.allocate(lengthBytes);
        while (in.hasRemaining()) {
            if (channel.read(in) < 0) {
                throw new IOException("the server closed the connection after " + in.position() + " bytes");
            }
        }
        return in.flip();
    }
}
