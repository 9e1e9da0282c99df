package io.varve.capture.nbd;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.transfer.nbd.TlsChannel;
import io.varve.transfer.nbd.TlsCredentials;
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
import java.util.List;
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
            TlsChannel encrypted = TlsChannel.accept(accepted, TlsCredentials.server(certificates.folder));
            shaking.join();
            fill(accepted);

            Thread closing = Thread.ofVirtual().start(() -> close(encrypted));

            assertTrue(closing.join(Duration.ofSeconds(20)));
            assertFalse(accepted.isOpen());
        }
    }

    private SSLContext clientContext(Certificates certificates) throws IOException {
        Path client = Files.createDirectories(folder.resolve("client"));
        for (String file : List.of("ca-cert.pem", "client-cert.pem", "client-key.pem")) {
            Files.copy(certificates.folder.resolve(file), client.resolve(file));
        }
        return TlsCredentials.client(client);
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
