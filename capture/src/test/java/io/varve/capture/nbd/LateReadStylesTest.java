package io.varve.capture.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.backend.ZeroMode;
import io.varve.capture.nbd.RawClient.Style;
import io.varve.core.Tool;
import io.varve.formats.nbd.NbdAddress;
import io.varve.formats.nbd.StatusExtent;
import io.varve.formats.nbd.TransmissionFlag;
import io.varve.transfer.nbd.TlsCredentials;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Reads that wait for a device, in each style of replies, over TLS, and on an export that's removed meanwhile. */
@Timeout(60)
class LateReadStylesTest {
    private static final int KIB = 1 << 10;
    private static final int MIB = 1 << 20;
    private static final int READ = 0;
    private static final int CACHE = 5;
    private static final int DF = 4;
    private static final int READERS = 16;
    private static final int ESHUTDOWN = 108;

    /** Only its first 512 KiB are in memory; its last MiB is zero. */
    private static final class DeviceExport implements Export {
        static final int WARM_BYTES = 512 * KIB;
        static final int ZERO_AT = 15 * MIB;
        volatile long brokenAtBytes = Long.MAX_VALUE;
        final AtomicInteger lateReads = new AtomicInteger();
        final Semaphore begun = new Semaphore(0);
        volatile CountDownLatch held = new CountDownLatch(0);

        static byte expected(long offsetBytes) {
            return offsetBytes >= ZERO_AT ? 0 : (byte) (offsetBytes / 512 % 250 + 1);
        }

        @Override
        public void read(long offsetBytes, ByteBuffer into) throws IOException {
            if (Thread.currentThread().getName().endsWith("-reader")) {
                lateReads.incrementAndGet();
            }
            begun.release();
            try {
                held.await();
            } catch (InterruptedException e) {
                throw new IOException("interrupted", e);
            }
            if (offsetBytes == brokenAtBytes) {
                throw new IOException("nothing can be read at " + offsetBytes);
            }
            fill(offsetBytes, into);
        }

        private static void fill(long offsetBytes, ByteBuffer into) {
            for (long at = offsetBytes; into.hasRemaining(); at++) {
                into.put(expected(at));
            }
        }

        @Override
        public boolean readAtOnce(long offsetBytes, ByteBuffer into) {
            boolean warm = offsetBytes + into.remaining() <= WARM_BYTES;
            if (warm) {
                fill(offsetBytes, into);
            }
            return warm;
        }

        @Override
        public long sizeBytes() {
            return 16L * MIB;
        }

        @Override
        public Set<TransmissionFlag> flags() {
            return TransmissionFlag.UNWRITABLE;
        }

        @Override
        public List<String> metaContexts() {
            return List.of();
        }

        @Override
        public void write(long offsetBytes, ByteBuffer data, Completion completion) {
            throw new IllegalStateException("the export is read-only");
        }

        @Override
        public void writeZeroes(long offsetBytes, long lengthBytes, ZeroMode mode, Completion completion) {
            throw new IllegalStateException("the export is read-only");
        }

        @Override
        public void trim(long offsetBytes, long lengthBytes, Completion completion) {
            throw new IllegalStateException("the export is read-only");
        }

        @Override
        public void flush(Completion completion) {
            completion.done();
        }

        @Override
        public List<StatusExtent> blockStatus(String context, long offsetBytes, long lengthBytes, int extentsMax) {
            return List.of();
        }
    }

    /** A chunk with what its head repeats of the request. */
    private record Reply(int type, boolean last, long cookie, long requestOffsetBytes, ByteBuffer payload) {}

    @TempDir
    private Path folder;

    private final DeviceExport export = new DeviceExport();
    private final ExportRegistry exports = new ExportRegistry();
    private final NbdServer server = new NbdServer(exports, NbdServerOptions.DEFAULT);

    @AfterEach
    void stop() throws Exception {
        export.held.countDown();
        server.close();
        RawClient.assertNoThreadIsLeft();
    }

    private RawClient enter(Style style) throws IOException {
        if (exports.names().isEmpty()) {
            exports.add(ServedImage.NAME, export);
        }
        return RawClient.enter(server.listen(new NbdAddress.Tcp("127.0.0.1", 0)), style);
    }

    @Test
    void shouldRepeatTheRequestsOwnOffsetBehindWhatIsAnsweredAtOnce() throws Exception {
        try (RawClient client = enter(Style.EXTENDED)) {
            // Sent as one, so that none is alone. A piece of the first is in memory.
            client.send(extended(0, READ, 1, 4096, MIB)
                    + extended(0, READ, 2, 2 * MIB, MIB)
                    + extended(0, CACHE, 3, 4 * MIB, MIB)
                    + extended(0, READ, 4, 0, 512));
            long[] offsets = {0, 4096, 2 * MIB, 4 * MIB, 0};
            long[] answeredBytes = new long[5];
            for (int unanswered = 4; unanswered > 0; ) {
                Reply reply = receive(client, Style.EXTENDED);
                int cookie = (int) reply.cookie();
                assertEquals(offsets[cookie], reply.requestOffsetBytes());
                if (reply.type() == RawClient.DATA) {
                    assertEquals(
                            offsets[cookie] + answeredBytes[cookie],
                            reply.payload().getLong(0));
                    answeredBytes[cookie] += assertContent(reply.payload());
                } else {
                    assertEquals(RawClient.NONE, reply.type());
                }
                unanswered -= reply.last() ? 1 : 0;
            }
            assertEquals(
                    List.of(MIB, MIB, 0, 512),
                    List.of((int) answeredBytes[1], (int) answeredBytes[2], (int) answeredBytes[3], (int)
                            answeredBytes[4]));
            assertTrue(export.lateReads.get() >= 3, export.lateReads + " late reads");
        }
    }

    @Test
    void shouldAnswerLateReadsUnfragmented() throws Exception {
        export.brokenAtBytes = 14 * MIB;
        for (Style style : List.of(Style.STRUCTURED, Style.EXTENDED)) {
            try (RawClient client = enter(style)) {
                int lengthBytes = 256 * KIB;
                long[] offsets = {MIB + 512, 512 * KIB - 4096, DeviceExport.ZERO_AT + 512, 14 * MIB};
                StringBuilder requests = new StringBuilder();
                for (int i = 0; i < offsets.length; i++) {
                    requests.append(request(style, DF, i, offsets[i], lengthBytes));
                }
                client.send(requests + request(style, 0, 9, 0, 512));

                int[] expected = {RawClient.DATA, RawClient.DATA, RawClient.HOLE, RawClient.ERROR_OFFSET};
                for (int unanswered = offsets.length + 1; unanswered > 0; unanswered--) {
                    Reply reply = receive(client, style);
                    assertTrue(reply.last());
                    if (reply.cookie() < 9) {
                        assertEquals(expected[(int) reply.cookie()], reply.type());
                    }
                    if (reply.type() == RawClient.DATA) {
                        assertContent(reply.payload());
                    }
                }
            }
        }
    }

    @Test
    void shouldEndReadsThatHaveBegunAndFailOthersOfAnExportThatIsRemoved() throws Exception {
        try (RawClient client = enter(Style.STRUCTURED)) {
            export.held = new CountDownLatch(1);
            StringBuilder requests = new StringBuilder();
            for (int i = 0; i < READERS + 4; i++) {
                requests.append(plain(i, MIB + i * 4096L, 4096));
            }
            client.send(requests + plain(99, 0, 512));
            assertEquals(99, receive(client, Style.STRUCTURED).cookie());
            export.begun.acquire(READERS);

            exports.remove(ServedImage.NAME);
            export.held.countDown();

            int failed = 0;
            for (int i = 0; i < READERS + 4; i++) {
                Reply reply = receive(client, Style.STRUCTURED);
                if (reply.type() == RawClient.DATA) {
                    assertContent(reply.payload());
                } else {
                    assertEquals(ESHUTDOWN, reply.payload().getInt(0));
                    failed++;
                }
            }
            assertEquals(4, failed);
            client.send(plain(7, 0, 512));
            assertEquals(ESHUTDOWN, receive(client, Style.STRUCTURED).payload().getInt(0));
        }
    }

    @Test
    void shouldLetNobodyHoldReadersWhoMisbehavesAndTakesNoReplies() throws Exception {
        try (RawClient client = enter(Style.STRUCTURED)) {
            StringBuilder requests = new StringBuilder();
            for (int i = 0; i < READERS; i++) {
                requests.append(plain(i, MIB, 8 * MIB));
            }

            client.send(requests + "00".repeat(64));

            RawClient.assertNoThreadIsLeft();
        }
    }

    @Test
    void shouldEncryptWhatReadersSend() throws Exception {
        Certificates certificates = new Certificates(folder.resolve("certificates"));
        NbdServerOptions options = NbdServerOptions.DEFAULT.withTls(TlsCredentials.server(certificates.folder));
        exports.add(ServedImage.NAME, export);
        try (NbdServer encrypting = new NbdServer(exports, options)) {
            NbdAddress.Tcp tcp = (NbdAddress.Tcp) encrypting.listen(new NbdAddress.Tcp("127.0.0.1", 0));
            Path copy = folder.resolve("copy.raw");

            Tool.run(
                            "nbdcopy",
                            "--requests=32",
                            "nbds://127.0.0.1:" + tcp.port() + "/drive0?tls-certificates=" + certificates.folder,
                            copy.toString())
                    .success();

            byte[] copied = Files.readAllBytes(copy);
            for (int at = 0; at < copied.length; at++) {
                assertEquals(DeviceExport.expected(at), copied[at], "at " + at);
            }
            assertTrue(export.lateReads.get() > 8, export.lateReads + " late reads");
        }
    }

    private static String extended(int flags, int command, long cookie, long offsetBytes, int lengthBytes) {
        ByteBuffer out = ByteBuffer.allocate(32).putInt(0x21e41c71);
        out.putShort((short) flags).putShort((short) command).putLong(cookie);
        return HexFormat.of()
                .formatHex(out.putLong(offsetBytes).putLong(lengthBytes).array());
    }

    private static String plain(long cookie, long offsetBytes, int lengthBytes) {
        return request(Style.STRUCTURED, 0, cookie, offsetBytes, lengthBytes);
    }

    /** A READ. */
    private static String request(Style style, int flags, long cookie, long offsetBytes, int lengthBytes) {
        if (style == Style.EXTENDED) {
            return extended(flags, READ, cookie, offsetBytes, lengthBytes);
        }
        ByteBuffer out = ByteBuffer.allocate(28).putInt(0x25609513);
        out.putShort((short) flags).putShort((short) READ).putLong(cookie);
        return HexFormat.of()
                .formatHex(out.putLong(offsetBytes).putInt(lengthBytes).array());
    }

    private static Reply receive(RawClient client, Style style) throws IOException {
        boolean extended = style == Style.EXTENDED;
        ByteBuffer head = client.receive(extended ? 32 : 20);
        assertEquals(extended ? 0x6e8a278c : 0x668e33ef, head.getInt(0));
        return new Reply(
                head.getShort(6) & 0xffff,
                head.getShort(4) == 1,
                head.getLong(8),
                extended ? head.getLong(16) : -1,
                client.receive(extended ? (int) head.getLong(24) : head.getInt(16)));
    }

    /** Checks data behind its offset, and tells its length. */
    private static int assertContent(ByteBuffer payload) {
        long offsetBytes = payload.getLong(0);
        for (int i = 8; i < payload.limit(); i++) {
            assertEquals(DeviceExport.expected(offsetBytes + i - 8), payload.get(i), "at " + (offsetBytes + i - 8));
        }
        return payload.limit() - 8;
    }
}
