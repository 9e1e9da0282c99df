package io.varve.capture.nbd;

import static io.varve.capture.nbd.RawClient.DRIVE;
import static io.varve.capture.nbd.RawClient.EINVAL;
import static io.varve.capture.nbd.RawClient.ENOSPC;
import static io.varve.capture.nbd.RawClient.EOVERFLOW;
import static io.varve.capture.nbd.RawClient.EPERM;
import static io.varve.capture.nbd.RawClient.FLAGS;
import static io.varve.capture.nbd.RawClient.MAGIC;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.backend.BackendAccess;
import io.varve.capture.nbd.RawClient.Chunk;
import io.varve.capture.nbd.RawClient.Style;
import io.varve.formats.nbd.NbdUri;
import io.varve.transfer.nbd.Durability;
import io.varve.transfer.nbd.NbdClient;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * One fault of a client a test: it gets the right error and its connection stays, or it's disconnected. A bystander on
 * the same export works before and after, and nothing is left of who was disconnected.
 */
@Timeout(60)
class ProtocolFaultsTest {
    private static final int SIZE_BYTES = 1 << 20;
    private static final int READ = 0;
    private static final int WRITE = 1;
    private static final int FLUSH = 3;
    private static final int TRIM = 4;
    private static final int CACHE = 5;
    private static final int ZERO = 6;
    private static final int STATUS = 7;
    private static final int INVALID_OPTION = 0x80000003;

    @TempDir
    private Path folder;

    private ServedImage served;
    private NbdClient bystander;

    @BeforeEach
    void serve() throws IOException {
        served = new ServedImage(folder, SIZE_BYTES);
        bystander = served.client();
        bystander.write(4096, ByteBuffer.allocate(512).put(0, (byte) 42), Durability.CACHED);
    }

    @AfterEach
    void stop() throws Exception {
        ByteBuffer read = ByteBuffer.allocate(512);
        bystander.read(4096, read);
        bystander.close();
        served.close();
        assertEquals(42, read.get(0));
        RawClient.assertNoThreadIsLeft();
    }

    private RawClient enter(Style style) throws IOException {
        return RawClient.enter(served.unix.address(), style);
    }

    @Test
    void shouldAnswerAnUnknownCommandAndGoOn() throws Exception {
        for (Style style : Style.values()) {
            try (RawClient client = enter(style)) {
                assertEquals(EINVAL, client.errorOf(0, 8, 0, 512));
                assertEquals(EINVAL, client.errorOf(0, 0xffff, -1, -1));
                assertEquals(0, client.errorOf(0, FLUSH, 0, 0));
            }
        }
    }

    @Test
    void shouldAnswerUnknownFlagsAndGoOn() throws Exception {
        try (RawClient client = enter(Style.STRUCTURED)) {
            for (int command : new int[] {READ, FLUSH, TRIM, CACHE, ZERO, STATUS}) {
                assertEquals(EINVAL, client.errorOf(0x8000, command, 0, 512));
            }
            assertEquals(EINVAL, client.errorOf(0x0004, TRIM, 0, 512));
            assertEquals(EINVAL, client.errorOf(0x0010, TRIM, 0, 512));
            assertEquals(0, client.errorOf(0, FLUSH, 0, 0));
        }
    }

    @Test
    void shouldNotWriteWithUnknownFlags() throws Exception {
        try (RawClient client = enter(Style.STRUCTURED)) {
            client.request(0x8000, WRITE, 4096, 512, new byte[512]);

            assertEquals(EINVAL, client.chunk().error());
            assertEquals(0, client.errorOf(0, FLUSH, 0, 0));
        }
    }

    @Test
    void shouldRefuseDontFragmentWithoutStructuredReplies() throws Exception {
        try (RawClient client = enter(Style.SIMPLE)) {
            assertEquals(EINVAL, client.errorOf(4, READ, 0, 512));
            assertEquals(0, client.errorOf(0, FLUSH, 0, 0));
        }
    }

    @Test
    void shouldReadInOneChunkOnDemandOrSayThatItIsTooLong() throws Exception {
        bystander.write(0, ByteBuffer.allocate(SIZE_BYTES).put(0, (byte) 1), Durability.CACHED);
        bystander.write(4096, ByteBuffer.allocate(512).put(0, (byte) 42), Durability.CACHED);
        try (RawClient client = enter(Style.STRUCTURED)) {
            client.request(4, READ, 0, 256 * 1024);
            Chunk whole = client.chunk();

            assertTrue(whole.last());
            assertEquals(8 + 256 * 1024, whole.payload().remaining());
            assertEquals(EOVERFLOW, client.errorOf(4, READ, 0, 256 * 1024 + 1));
        }
    }

    @Test
    void shouldRefuseRangesBeyondTheEnd() throws Exception {
        for (Style style : Style.values()) {
            try (RawClient client = enter(style)) {
                for (int command : new int[] {READ, TRIM, CACHE, STATUS}) {
                    assertEquals(EINVAL, client.errorOf(0, command, SIZE_BYTES - 1, 2));
                }
                assertEquals(ENOSPC, client.errorOf(0, ZERO, SIZE_BYTES, 1));
                client.request(0, WRITE, SIZE_BYTES - 511, 512, new byte[512]);
                assertEquals(ENOSPC, client.chunk().error());
                assertEquals(0, client.errorOf(0, FLUSH, 0, 0));
            }
        }
    }

    @Test
    void shouldRefuseOffsetsThatOverflow() throws Exception {
        try (RawClient client = enter(Style.STRUCTURED)) {
            assertEquals(EINVAL, client.errorOf(0, READ, Long.MAX_VALUE, 4096));
            assertEquals(EINVAL, client.errorOf(0, READ, -1, 0xffffffffL));
            assertEquals(EINVAL, client.errorOf(0, TRIM, -4096, 8192));
            assertEquals(ENOSPC, client.errorOf(0, ZERO, Long.MIN_VALUE, 0xffffffffL));
        }
    }

    @Test
    void shouldAnswerEmptyRequests() throws Exception {
        try (RawClient client = enter(Style.STRUCTURED)) {
            for (int command : new int[] {READ, WRITE, TRIM, CACHE, ZERO}) {
                assertEquals(0, client.errorOf(0, command, 0, 0));
                assertEquals(0, client.errorOf(0, command, SIZE_BYTES, 0));
            }
            assertEquals(EINVAL, client.errorOf(0, STATUS, 0, 0));
        }
    }

    @Test
    void shouldServeUnalignedRequests() throws Exception {
        try (RawClient client = enter(Style.STRUCTURED)) {
            client.request(0, WRITE, 8191, 3, new byte[] {1, 2, 3});
            assertEquals(0, client.chunk().error());
            client.request(0, READ, 8190, 5);
            ByteBuffer read = client.chunk().payload();

            assertEquals(ByteBuffer.wrap(new byte[] {0, 1, 2, 3, 0}), read.position(8));
            assertEquals(0, client.errorOf(0, ZERO, 8191, 3));
        }
    }

    @Test
    void shouldRefuseReadsThatAreTooLong() throws Exception {
        try (ServedImage large = new ServedImage(Files.createDirectory(folder.resolve("large")), 64 << 20);
                RawClient client = RawClient.enter(large.unix.address(), Style.EXTENDED)) {
            assertEquals(EINVAL, client.errorOf(0, READ, 0, (32 << 20) + 1));
            assertEquals(EINVAL, client.errorOf(0, CACHE, 0, (32 << 20) + 1));
            assertEquals(0, client.errorOf(0, TRIM, 0, 64 << 20));
            assertEquals(0, client.errorOf(0, CACHE, 0, 32 << 20));
        }
    }

    @Test
    void shouldDisconnectOnAnOversizeWrite() throws Exception {
        try (RawClient client = enter(Style.STRUCTURED)) {
            client.request(0, WRITE, 0, (32 << 20) + 1);

            assertEquals(0, client.awaitEnd());
        }
        try (RawClient client = enter(Style.EXTENDED)) {
            client.request(0x20, WRITE, 0, -1);

            assertEquals(0, client.awaitEnd());
        }
    }

    @Test
    void shouldRefuseChangesOfAReadOnlyExport() throws Exception {
        served.exports.remove(ServedImage.NAME);
        served.exports.add(
                ServedImage.NAME, new BackendExport(served.backend(), BackendAccess.READ_ONLY, Runnable::run));
        try (RawClient client = enter(Style.STRUCTURED)) {
            assertEquals(EPERM, client.errorOf(0, TRIM, 0, 512));
            assertEquals(EPERM, client.errorOf(0, ZERO, 0, 512));
            client.request(0, WRITE, 4096, 512, new byte[512]);
            assertEquals(EPERM, client.chunk().error());
            assertEquals(0, client.errorOf(0, FLUSH, 0, 0));
        }
        bystander.close();
        bystander = served.client();
    }

    @Test
    void shouldRefuseStatusWithoutAContext() throws Exception {
        try (RawClient client = enter(Style.SIMPLE)) {
            assertEquals(EINVAL, client.errorOf(0, STATUS, 0, 512));
            assertEquals(0, client.errorOf(0, FLUSH, 0, 0));
        }
    }

    @Test
    void shouldTellOneExtentOnDemand() throws Exception {
        try (RawClient client = enter(Style.STRUCTURED)) {
            client.request(0, STATUS, 0, SIZE_BYTES);
            int all = client.chunk().payload().remaining();
            client.request(8, STATUS, 0, SIZE_BYTES);
            ByteBuffer one = client.chunk().payload();

            assertEquals(4 + 3 * 8, all);
            assertEquals(4 + 8, one.remaining());
            assertTrue(one.getInt(4) <= SIZE_BYTES);
        }
    }

    @Test
    void shouldSayWhereAReadFailed() throws Exception {
        served.exports.add("faulty", new FaultyExport(SIZE_BYTES, 300_000));
        try (RawClient client = RawClient.connect(served.unix.address())) {
            client.send(FLAGS);
            client.option(8, "");
            assertEquals(1, client.option(7, "00000006" + "6661756c7479" + "0000"));
            client.send("25609513" + "0000" + "0000" + "0000000000000007" + "0000000000000000" + "00080000");

            assertEquals(8 + 256 * 1024, client.receive(20).getInt(16));
            client.receive(8 + 256 * 1024);
            ByteBuffer failed = client.receive(20);
            assertEquals(0x8002, failed.getShort(6) & 0xffff);
            ByteBuffer payload = client.receive(failed.getInt(16));
            assertEquals(RawClient.EIO, payload.getInt(0));
            assertEquals(256 * 1024, payload.getLong(payload.limit() - 8));
        }
    }

    @Test
    void shouldDisconnectOnAWrongRequestMagic() throws Exception {
        for (Style style : Style.values()) {
            try (RawClient client = enter(style)) {
                client.send("25609514" + "00".repeat(28));

                assertEquals(0, client.awaitEnd());
            }
        }
    }

    @Test
    void shouldDisconnectOnAHandshakeInTheWrongOrder() throws Exception {
        try (RawClient client = RawClient.connect(served.unix.address())) {
            client.send(FLAGS + "25609513" + "00".repeat(24));

            assertEquals(0, client.awaitEnd());
        }
    }

    @Test
    void shouldDisconnectOnUnknownClientFlags() throws Exception {
        try (RawClient client = RawClient.connect(served.unix.address())) {
            client.send("00000007");

            assertEquals(0, client.awaitEnd());
        }
    }

    @Test
    void shouldDisconnectOnAHugeOption() throws Exception {
        try (RawClient client = RawClient.connect(served.unix.address())) {
            client.send(FLAGS + MAGIC + "00000007" + "ffffffff");

            assertEquals(0, client.awaitEnd());
        }
    }

    @Test
    void shouldRefuseALongExportName() throws Exception {
        try (RawClient client = RawClient.connect(served.unix.address())) {
            client.send(FLAGS);

            assertEquals(INVALID_OPTION, client.option(7, "00001001" + "41".repeat(4097) + "0000"));
            assertEquals(0x80000006, client.option(7, "00001000" + "41".repeat(4096) + "0000"));
            assertEquals(INVALID_OPTION, client.option(7, "ffffffff" + "41" + "0000"));
            assertEquals(1, client.option(7, DRIVE + "0000"));
        }
    }

    @Test
    void shouldDisconnectOnOptionsWithoutEnd() throws Exception {
        try (RawClient client = RawClient.connect(served.unix.address())) {
            client.send(FLAGS + (MAGIC + "00000063" + "00000000").repeat(65));

            assertTrue(client.awaitEnd() < 65 * 64);
        }
    }

    @Test
    void shouldSurviveClientsThatGoAwayAtEveryByte() throws Exception {
        String whole = FLAGS + MAGIC + "00000008" + "00000000" + MAGIC + "00000007" + "0000000c" + DRIVE + "0000"
                + "25609513" + "0000" + "0001" + "0000000000000001" + "0000000000008000" + "00000010" + "00".repeat(15);
        for (int lengthBytes = 0; lengthBytes <= whole.length() / 2; lengthBytes++) {
            try (RawClient client = RawClient.connect(served.unix.address())) {
                client.send(whole.substring(0, 2 * lengthBytes));
                client.endOutput();
                client.awaitEnd();
            }
        }
    }

    @Test
    void shouldGiveBackThePlacesOfClientsThatWentAway() throws Exception {
        for (int round = 0; round < 3; round++) {
            List<RawClient> clients = new ArrayList<>();
            for (int i = 1; i < NbdServerOptions.DEFAULT.connectionsPerExportMax(); i++) {
                clients.add(enter(Style.STRUCTURED));
            }
            assertThrows(IOException.class, () -> enter(Style.STRUCTURED));
            for (RawClient client : clients) {
                client.endOutput();
                client.awaitEnd();
                client.close();
            }
        }
    }

    @Test
    void shouldShowAResizeToNewConnections() throws Exception {
        FaultyExport export = new FaultyExport(SIZE_BYTES, Integer.MAX_VALUE);
        served.exports.add("growing", export);
        NbdUri uri = new NbdUri(served.unix.address(), "growing");
        try (NbdClient before = ServedImage.client(uri)) {
            export.resize(2 * SIZE_BYTES);
            try (NbdClient after = ServedImage.client(uri)) {
                assertEquals(SIZE_BYTES, before.sizeBytes());
                assertEquals(2 * SIZE_BYTES, after.sizeBytes());
                after.read(2 * SIZE_BYTES - 512, ByteBuffer.allocate(512));
            }
        }
    }

    @Test
    void shouldGiveUnixSocketsToTheirOwnerAlone() throws Exception {
        Path socket = folder.resolve("nbd.sock");

        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)));
    }
}
