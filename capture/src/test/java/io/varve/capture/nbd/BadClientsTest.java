package io.varve.capture.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.Seeds;
import io.varve.formats.nbd.NbdAddress;
import io.varve.formats.nbd.NbdUri;
import io.varve.transfer.nbd.NbdClient;
import io.varve.transfer.nbd.NbdSockets;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Clients that don't keep to the protocol: they're disconnected, and the others don't notice. */
@Timeout(60)
class BadClientsTest {
    private static final String MAGIC = HexFormat.of().formatHex("IHAVEOPT".getBytes(StandardCharsets.US_ASCII));
    private static final String STRUCTURED = MAGIC + "00000008" + "00000000";
    private static final String GO = MAGIC + "00000007" + "0000000c" + "00000006" + "647269766530" + "0000";
    private static final String ENTER = "00000003" + STRUCTURED + GO;
    private static final String WRITE = "25609513" + "0000" + "0001" + "0000000000000001" + "0000000000000000";
    private static final int SIZE_BYTES = 1 << 20;

    @TempDir
    private Path folder;

    private ServedImage served;

    @BeforeEach
    void serve() throws IOException {
        served = new ServedImage(folder, SIZE_BYTES);
    }

    @AfterEach
    void stop() throws IOException {
        served.close();
    }

    @Test
    void shouldDisconnectOnGarbage() {
        Seeds.forEach(40, random -> {
            byte[] garbage = new byte[64 + random.nextInt(4096)];
            random.nextBytes(garbage);

            assertDisconnects(ByteBuffer.wrap(garbage), Ending.LISTENING);
            assertDisconnects(joined(ENTER, garbage), Ending.LISTENING);
        });

        assertStillServes();
    }

    @Test
    void shouldDisconnectOnMutilatedRequests() {
        Seeds.forEach(60, random -> {
            ByteBuffer good = joined(ENTER + WRITE + "00000200" + "00".repeat(512) + WRITE + "00000200", new byte[512]);
            for (int change = random.nextInt(4); change >= 0; change--) {
                good.put(random.nextInt(good.limit()), (byte) random.nextInt(256));
            }

            assertDisconnects(good, Ending.GONE);
        });

        assertStillServes();
    }

    @Test
    void shouldDisconnectOnAWriteThatIsTooLong() {
        assertDisconnects(joined(ENTER + WRITE + "02000001", new byte[0]), Ending.LISTENING);
        assertDisconnects(joined(ENTER + WRITE + "ffffffff", new byte[0]), Ending.LISTENING);

        assertStillServes();
    }

    @Test
    void shouldNotWaitForAClientThatGoesAwayInTheMiddle() {
        assertDisconnects(joined(ENTER + WRITE + "00010000", new byte[100]), Ending.GONE);
        assertDisconnects(joined("000000", new byte[0]), Ending.GONE);
        assertDisconnects(joined("00000003" + MAGIC, new byte[0]), Ending.GONE);

        assertStillServes();
    }

    @Test
    void shouldDisconnectWhoDoesNotFinishTheHandshake() throws Exception {
        NbdServerOptions impatient = new NbdServerOptions(Duration.ofMillis(200), 16, 256);
        try (NbdServer server = new NbdServer(served.exports, impatient)) {
            NbdAddress address = server.listen(new NbdAddress.Tcp("127.0.0.1", 0));
            try (SocketChannel channel = NbdSockets.connect(address, Duration.ofSeconds(5))) {
                readToEnd(channel);
            }
        }
    }

    @Test
    void shouldCloseConnectionsBeyondTheMost() throws Exception {
        NbdServerOptions few = new NbdServerOptions(Duration.ofSeconds(10), 16, 1);
        try (NbdServer server = new NbdServer(served.exports, few)) {
            NbdAddress address = server.listen(new NbdAddress.Tcp("127.0.0.1", 0));
            try (SocketChannel first = NbdSockets.connect(address, Duration.ofSeconds(5));
                    SocketChannel second = NbdSockets.connect(address, Duration.ofSeconds(5))) {
                assertEquals(0, readToEnd(second));
                assertTrue(first.read(ByteBuffer.allocate(18)) > 0);
            }
        }
    }

    @Test
    void shouldRefuseATakenAddressInOneSentence() throws Exception {
        Path file = Files.writeString(folder.resolve("file"), "no socket");
        try (NbdServer second = new NbdServer(served.exports, NbdServerOptions.DEFAULT)) {
            IOException unix = assertThrows(IOException.class, () -> second.listen(served.unix.address()));
            IOException tcp = assertThrows(IOException.class, () -> second.listen(served.tcp.address()));
            IOException notASocket =
                    assertThrows(IOException.class, () -> second.listen(new NbdAddress.Unix(file.toString())));

            assertTrue(unix.toString().contains("another process does"), unix.toString());
            assertTrue(tcp.toString().contains("choose another address"), tcp.toString());
            assertTrue(notASocket.toString().contains("isn't a socket"), notASocket.toString());
        }
        assertStillServes();
        assertEquals("no socket", Files.readString(file));
    }

    @Test
    void shouldTakeOverTheSocketOfADeadServer() throws Exception {
        Path socket = folder.resolve("dead.sock");
        ServerSocketChannel dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        dead.bind(UnixDomainSocketAddress.of(socket));
        dead.close();
        assertTrue(Files.exists(socket));

        served.server.listen(new NbdAddress.Unix(socket.toString()));

        ServedImage.client(new NbdUri(new NbdAddress.Unix(socket.toString()), ServedImage.NAME))
                .close();
    }

    /** What the client does when it has sent its bytes. */
    private enum Ending {
        LISTENING,
        GONE
    }

    private void assertDisconnects(ByteBuffer bytes, Ending ending) {
        try (SocketChannel channel = NbdSockets.connect(served.unix.address(), Duration.ofSeconds(5))) {
            send(channel, bytes, ending);
            readToEnd(channel);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Sends as far as the server takes it, and then no more. */
    private static void send(SocketChannel channel, ByteBuffer bytes, Ending ending) {
        try {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            if (ending == Ending.GONE) {
                channel.shutdownOutput();
            }
        } catch (IOException e) {
            // The server has closed the connection already: that's what it's to do.
            assertTrue(channel.isOpen());
        }
    }

    private static int readToEnd(SocketChannel channel) {
        ByteBuffer in = ByteBuffer.allocate(1 << 16);
        int total = 0;
        try {
            for (int count = 0; count >= 0; count = channel.read(in.clear())) {
                total += count;
            }
        } catch (IOException e) {
            // Closed with bytes unread, so the end comes as a reset.
            assertTrue(channel.isOpen());
        }
        return total;
    }

    private void assertStillServes() {
        try (NbdClient client = served.client()) {
            client.read(0, ByteBuffer.allocate(SIZE_BYTES));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static ByteBuffer joined(String hex, byte[] tail) {
        byte[] head = HexFormat.of().parseHex(hex);
        return ByteBuffer.allocate(head.length + tail.length)
                .put(head)
                .put(tail)
                .flip();
    }
}
