package io.varve.capture.nbd;

import static io.varve.capture.nbd.RawClient.BASE;
import static io.varve.capture.nbd.RawClient.DRIVE;
import static io.varve.capture.nbd.RawClient.EINVAL;
import static io.varve.capture.nbd.RawClient.FLAGS;
import static io.varve.capture.nbd.RawClient.MAGIC;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.varve.capture.nbd.RawClient.Style;
import io.varve.formats.nbd.NbdAddress;
import io.varve.formats.nbd.TransmissionFlag;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a client's library refuses to send, sent nevertheless, and messages at a time that isn't theirs. */
@Timeout(60)
class UnusualClientsTest {
    private static final int SIZE_BYTES = 1 << 20;
    private static final int READ = 0;
    private static final int FLUSH = 3;
    private static final int TRIM = 4;
    private static final int CACHE = 5;
    private static final int ZERO = 6;
    private static final int ACK = 1;
    private static final int ERR_INVALID = 0x80000003;
    private static final int ERR_UNKNOWN = 0x80000006;
    private static final String REQUEST = "25609513";

    @TempDir
    private Path folder;

    private final FaultyExport export = new FaultyExport(SIZE_BYTES, SIZE_BYTES);
    private ServedImage served;

    @BeforeEach
    void serve() throws IOException {
        served = new ServedImage(folder, SIZE_BYTES);
        served.exports.add("other", export);
    }

    @AfterEach
    void stop() throws Exception {
        try (RawClient bystander = enter(Style.SIMPLE)) {
            assertEquals(0, bystander.errorOf(0, FLUSH, 0, 0));
        }
        served.close();
        RawClient.assertNoThreadIsLeft();
    }

    private RawClient enter(Style style) throws IOException {
        return RawClient.enter(served.unix.address(), style);
    }

    private RawClient greeted() throws IOException {
        RawClient client = RawClient.connect(served.unix.address());
        client.send(FLAGS);
        return client;
    }

    /** A read of 512 bytes whose cookie is these 16 digits. */
    private static String readWith(String cookie) {
        return REQUEST + "0000" + "0000" + cookie + "0000000000000000" + "00000200";
    }

    /** A client finds its requests by their cookies; to the server they mean nothing, even when two are the same. */
    @Test
    void shouldEchoAnyCookie() throws Exception {
        List<String> cookies = List.of("0000000000000000", "ffffffffffffffff", "ffffffffffffffff", "6698256095130000");
        try (RawClient client = enter(Style.STRUCTURED)) {
            client.send(String.join(
                    "", cookies.stream().map(UnusualClientsTest::readWith).toList()));

            List<String> echoed = new ArrayList<>();
            for (int i = 0; i < cookies.size(); i++) {
                echoed.add("%016x".formatted(client.chunk().cookie()));
            }
            assertEquals(
                    cookies.stream().sorted().toList(), echoed.stream().sorted().toList());
        }
    }

    @Test
    void shouldRefuseCommandsThatWereNotAdvertised() throws Exception {
        FaultyExport plain = new FaultyExport(SIZE_BYTES, SIZE_BYTES, EnumSet.of(TransmissionFlag.HAS_FLAGS));
        served.exports.remove(ServedImage.NAME);
        served.exports.add(ServedImage.NAME, plain);
        for (Style style : Style.values()) {
            try (RawClient client = enter(style)) {
                for (int command : new int[] {TRIM, CACHE, ZERO}) {
                    assertEquals(EINVAL, client.errorOf(0, command, 0, 512));
                }
                assertEquals(0, plain.asked());
                assertEquals(0, client.errorOf(0, READ, 0, 0));
            }
        }
    }

    @Test
    void shouldTakeNothingBehindADisconnect() throws Exception {
        String disconnect = REQUEST + "0000" + "0002" + "00".repeat(20);
        String write = REQUEST + "0000" + "0001" + "0000000000000009" + "0000000000000000" + "00000001" + "ff";
        try (RawClient client = enter(Style.STRUCTURED)) {
            client.send(disconnect + write + disconnect);

            assertEquals(0, client.awaitEnd());
        }
        ByteBuffer read = ByteBuffer.allocate(1);
        served.backend().read(0, read);
        assertEquals(0, read.get(0));
    }

    @Test
    void shouldDisconnectOnAnOptionAfterTheHandshake() throws Exception {
        for (Style style : Style.values()) {
            try (RawClient client = enter(style)) {
                client.send(MAGIC + "00000007" + "0000000c" + DRIVE + "0000" + "00".repeat(16));

                assertEquals(0, client.awaitEnd());
            }
        }
    }

    @Test
    void shouldDisconnectOnRequestsInAnotherStyleThanAgreed() throws Exception {
        for (Style style : Style.values()) {
            try (RawClient client = enter(style)) {
                client.send((style == Style.EXTENDED ? REQUEST : "21e41c71") + "00".repeat(28));

                assertEquals(0, client.awaitEnd());
            }
        }
    }

    @Test
    void shouldDisconnectOnARequestBeforeTheHandshakeHasEnded() throws Exception {
        try (RawClient client = greeted()) {
            assertEquals(ACK, client.option(8, ""));
            client.send(readWith("0000000000000001"));

            assertEquals(0, client.awaitEnd());
        }
    }

    @Test
    void shouldAnswerOptionsInAnUnusualOrder() throws Exception {
        try (RawClient client = greeted()) {
            assertEquals(ERR_INVALID, client.option(10, DRIVE + BASE));
            assertEquals(ACK, client.option(8, ""));
            assertEquals(ACK, client.option(10, DRIVE + BASE));
            assertEquals(ACK, client.option(6, DRIVE + "0000"));
            assertEquals(ACK, client.option(3, ""));
            assertEquals(ERR_UNKNOWN, client.option(7, "00000001" + "41" + "0000"));
            assertEquals(ACK, client.option(7, DRIVE + "0000"));
        }
    }

    @Test
    void shouldNotTellStatusInAContextOfAnotherExport() throws Exception {
        try (RawClient client = greeted()) {
            assertEquals(ACK, client.option(8, ""));
            assertEquals(ACK, client.option(10, "00000005" + "6f74686572" + BASE));
            assertEquals(ACK, client.option(7, DRIVE + "0000"));
            client.send(REQUEST + "0000" + "0007" + "0000000000000001" + "0000000000000000" + "00000200");

            ByteBuffer head = client.receive(20);
            assertEquals(RawClient.ERROR, head.getShort(6) & 0xffff);
            assertEquals(EINVAL, client.receive(head.getInt(16)).getInt(0));
        }
    }

    @Test
    void shouldRefuseNamesThatAreNoText() throws Exception {
        try (RawClient client = greeted()) {
            assertEquals(ERR_INVALID, client.option(7, "00000002" + "c328" + "0000"));
            assertEquals(ERR_INVALID, client.option(6, "00000002" + "c328" + "0000"));
            assertEquals(ERR_UNKNOWN, client.option(7, "00000002" + "0041" + "0000"));
            assertEquals(ERR_UNKNOWN, client.option(7, "00000000" + "0000"));
        }
        try (RawClient client = greeted()) {
            client.send(MAGIC + "00000001" + "00000002" + "c328");

            assertEquals(0, client.awaitEnd());
        }
    }

    @Test
    void shouldDisconnectOnALongNameInTheOldOption() throws Exception {
        try (RawClient client = greeted()) {
            client.send(MAGIC + "00000001" + "00001001" + "41".repeat(4097));

            assertEquals(0, client.awaitEnd());
        }
    }

    @Test
    void shouldRefusePayloadsOfOptionsThatTakeNone() throws Exception {
        try (RawClient client = greeted()) {
            for (int option : new int[] {3, 8, 11}) {
                assertEquals(ERR_INVALID, client.option(option, "00"));
            }
            assertEquals(ACK, client.option(7, DRIVE + "0000"));
        }
    }

    @Test
    void shouldDisconnectOldClientsThatSendNewOptions() throws Exception {
        try (RawClient client = RawClient.connect(served.unix.address())) {
            client.send("00000000" + MAGIC + "00000003" + "00000000");

            assertEquals(0, client.awaitEnd());
        }
    }

    @Test
    void shouldEndClientsThatComeWhileItCloses() throws Exception {
        for (int round = 0; round < 20; round++) {
            NbdServer closing = new NbdServer(served.exports, NbdServerOptions.DEFAULT);
            NbdAddress address = closing.listen(
                    new NbdAddress.Unix(folder.resolve("closing.sock").toString()));
            CountDownLatch first = new CountDownLatch(1);
            Queue<RawClient> came = new ConcurrentLinkedQueue<>();
            List<Thread> comers = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                comers.add(Thread.ofVirtual().start(() -> comeUntilRefused(address, first, came)));
            }
            first.await();

            closing.close();

            for (Thread comer : comers) {
                comer.join();
            }
            for (RawClient client : came) {
                // None waits for a server that's gone.
                client.awaitEnd();
                client.close();
            }
        }
    }

    private static void comeUntilRefused(NbdAddress address, CountDownLatch first, Queue<RawClient> came) {
        try {
            for (int i = 0; i < 32; i++) {
                came.add(RawClient.connect(address));
                first.countDown();
            }
        } catch (IOException e) {
            // Nobody listens any more, or not for long.
            first.countDown();
        }
    }
}
