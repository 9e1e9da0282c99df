package io.varve.capture.nbd;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Encryption of a client that stalls. */
@Timeout(60)
class TlsChannelTest {
    private static final int FULL_LOOKS = 20;

    @TempDir
    private Path folder;

    @Test
    void shouldCloseAlthoughTheClientTakesNothing() throws Exception {
        Certificates certificates = new Certificates(folder.resolve("server"));
        SSLContext clients = clientContext(certificates);
        try (ServerSocketChannel listening =
                        ServerSocketChannel.open().bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
                SSLSocket client = (SSLSocket) clients.getSocketFactory().createSocket()) {
            client.connect(listening.getLocalAddress());
            Thread shaking = Thread.ofVirtual().start(() -> shakeHands(client));
            SocketChannel accepted = listening.accept();
            TlsChannel encrypted = TlsChannel.accept(accepted, TlsCredentials.read(certificates.folder));
            shaking.join();
            fill(accepted);

            Thread closing = Thread.ofVirtual().start(() -> close(encrypted));

            assertTrue(closing.join(Duration.ofSeconds(20)));
            assertFalse(accepted.isOpen());
        }
    }

    private SSLContext clientContext(Certificates certificates) throws IOException {
        Path client = Files.createDirectories(folder.resolve("client"));
        Files.copy(certificates.folder.resolve("ca-cert.pem"), client.resolve("ca-cert.pem"));
        Files.copy(certificates.folder.resolve("client-cert.pem"), client.resolve("server-cert.pem"));
        Files.copy(certificates.folder.resolve("client-key.pem"), client.resolve("server-key.pem"));
        return TlsCredentials.read(client);
    }

    private static void shakeHands(SSLSocket client) {
        try {
            client.startHandshake();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Until neither this side's buffer nor the client's takes more. */
    private static void fill(SocketChannel socket) throws Exception {
        socket.configureBlocking(false);
        for (int full = 0; full < FULL_LOOKS; ) {
            if (socket.write(ByteBuffer.allocate(1 << 16)) > 0) {
                full = 0;
            } else {
                full++;
                Thread.sleep(10);
            }
        }
        socket.configureBlocking(true);
    }

    private static void close(TlsChannel encrypted) {
        try {
            encrypted.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
