package io.varve.transfer.nbd;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.Seeds;
import io.varve.formats.nbd.NbdAddress;
import io.varve.formats.nbd.NbdUri;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Servers that don't keep to the protocol: requests fail with a sentence, and nothing hangs. */
@Timeout(60)
class BadServersTest {
    private static final String GREETING = "4e42444d41474943" + "49484156454f5054" + "0003";
    private static final String REPLY = "0003e889045565a9";
    private static final String ACK_STRUCTURED = REPLY + "00000008" + "00000001" + "00000000";
    private static final String EXPORT =
            REPLY + "00000007" + "00000003" + "0000000c" + "0000" + "0000000000100000" + "0001";
    private static final String ACK_GO = REPLY + "00000007" + "00000001" + "00000000";
    private static final String ENTERED = GREETING + ACK_STRUCTURED + EXPORT + ACK_GO;
    private static final String CHUNK = "668e33ef" + "0001" + "0001" + "0000000000000001";

    /** Client flags, STRUCTURED_REPLY, GO with the name {@code drive}, and a request's head. */
    private static final int CLIENT_BYTES = 4 + 16 + (16 + 4 + 5 + 4) + 28;

    private ServerSocketChannel listener;

    @BeforeEach
    void listen() throws IOException {
        listener = ServerSocketChannel.open().bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    }

    @AfterEach
    void close() throws IOException {
        listener.close();
    }

    @Test
    void shouldSayThatItIsNoNbdServer() {
        Thread _ = answer(
                "HTTP/1.1 400 Bad Request\r\n\r\n".getBytes(StandardCharsets.US_ASCII), new byte[0], Ending.LISTENING);

        IOException e = assertThrows(IOException.class, () -> connect(Duration.ofSeconds(10)));

        assertTrue(e.toString().contains("not an NBD server"), e.toString());
    }

    @Test
    void shouldNotWaitForAServerThatSaysNothing() {
        // Nobody accepts: the kernel completes the connection, and that's all.
        IOException e = assertThrows(IOException.class, () -> connect(Duration.ofMillis(200)));

        assertTrue(e.toString().contains("gave no answer to the handshake within PT0.2S"), e.toString());
    }

    @Test
    void shouldGiveUpARequestThatIsNotAnswered() throws Exception {
        Thread _ = answer(bytes(ENTERED), new byte[0], Ending.LISTENING);
        NbdClientOptions impatient = new NbdClientOptions(Duration.ofSeconds(10), Duration.ofMillis(200), 16);
        try (NbdClient client = NbdClient.connect(uri(), List.of(), impatient)) {
            IOException e = assertThrows(IOException.class, () -> client.read(0, ByteBuffer.allocate(512)));

            assertTrue(e.toString().contains("no answer to READ within PT0.2S"), e.toString());
            assertThrows(IOException.class, () -> client.read(0, ByteBuffer.allocate(512)));
        }
    }

    @Test
    void shouldRefuseDataThatWasNotAskedFor() throws Exception {
        assertReadFails(CHUNK + "00000009" + "0000000000000200" + "00", "was answered with 1 bytes at 512");
        assertReadFails(CHUNK + "00000009" + "0000000000000000" + "00", "was answered with other ranges");
        assertReadFails(CHUNK + "00000008" + "0000000000000000", "a chunk of type OFFSET_DATA with 8 bytes");
        assertReadFails("668e33ef" + "0001" + "0001" + "0000000000000077" + "00000000", "wasn't made");
        assertReadFails(
                "668e33ef" + "0001" + "0000" + "0000000000000001" + "00000000", "was answered with other ranges");
        assertReadFails("668e33ef" + "0001" + "8001" + "0000000000000001" + "fffffff0", "a chunk of type ERROR");
        assertReadFails("668e33ef" + "0001" + "0005" + "0000000000000001" + "fffffff0", "a chunk of type BLOCK_STATUS");
        assertReadFails("668e33ef" + "0001" + "0009" + "0000000000000001" + "00000000", "a chunk of type OTHER");
        assertReadFails("00".repeat(20), "reply magic");
    }

    @Test
    void shouldSurviveMutilatedReplies() {
        String read = CHUNK + "00000208" + "0000000000000000" + "00".repeat(512);
        Seeds.forEach(100, random -> {
            byte[] handshake = bytes(ENTERED);
            byte[] reply = random.nextBoolean() ? bytes(read) : new byte[0];
            byte[] mutilated = reply.length > 0 ? reply : handshake;
            for (int change = random.nextInt(4); change >= 0; change--) {
                mutilated[random.nextInt(mutilated.length)] = (byte) random.nextInt(256);
            }
            Thread _ = answer(handshake, reply, Ending.GONE);
            try (NbdClient client = connect(Duration.ofSeconds(10))) {
                client.read(0, ByteBuffer.allocate(512));
            } catch (IOException e) {
                assertTrue(!e.toString().contains("gave no answer"), e.toString());
            }
        });
    }

    private void assertReadFails(String replyHex, String reason) throws IOException {
        Thread _ = answer(bytes(ENTERED), bytes(replyHex), Ending.LISTENING);
        try (NbdClient client = connect(Duration.ofSeconds(10))) {
            IOException e = assertThrows(IOException.class, () -> client.read(0, ByteBuffer.allocate(512)));

            assertTrue(e.toString().contains(reason), e.toString());
        }
    }

    /** What the server does when it has sent its bytes. */
    private enum Ending {
        LISTENING,
        GONE
    }

    /** Sends the handshake to one client at once, whatever it says, and the reply when it has sent its request. */
    private Thread answer(byte[] handshake, byte[] reply, Ending ending) {
        return Thread.ofVirtual().start(() -> {
            try (SocketChannel channel = listener.accept()) {
                send(channel, handshake);
                ByteBuffer in = ByteBuffer.allocate(4096);
                while (reply.length > 0 && in.position() < CLIENT_BYTES && channel.read(in) >= 0) {
                    assertTrue(in.hasRemaining());
                }
                send(channel, reply);
                if (ending == Ending.GONE) {
                    channel.shutdownOutput();
                }
                while (channel.read(in.clear()) >= 0) {
                    assertTrue(in.hasArray());
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    private static void send(SocketChannel channel, byte[] bytes) throws IOException {
        ByteBuffer out = ByteBuffer.wrap(bytes);
        while (out.hasRemaining()) {
            channel.write(out);
        }
    }

    private NbdUri uri() {
        try {
            int port = ((InetSocketAddress) listener.getLocalAddress()).getPort();
            return new NbdUri(new NbdAddress.Tcp("127.0.0.1", port), "drive");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private NbdClient connect(Duration timeout) throws IOException {
        return NbdClient.connect(uri(), List.of(), new NbdClientOptions(timeout, Duration.ofSeconds(30), 16));
    }

    private static byte[] bytes(String hex) {
        return HexFormat.of().parseHex(hex);
    }
}
