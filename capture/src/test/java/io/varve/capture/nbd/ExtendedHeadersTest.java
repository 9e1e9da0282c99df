package io.varve.capture.nbd;

import static io.varve.capture.nbd.RawClient.EINVAL;
import static io.varve.capture.nbd.RawClient.ENOSPC;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.varve.capture.nbd.RawClient.Chunk;
import io.varve.capture.nbd.RawClient.Style;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Requests with lengths of 64 bits and payloads, and their faults: no client of the distribution speaks so yet. */
@Timeout(60)
class ExtendedHeadersTest {
    private static final int SIZE_BYTES = 1 << 20;
    private static final int READ = 0;
    private static final int WRITE = 1;
    private static final int FLUSH = 3;
    private static final int TRIM = 4;
    private static final int ZERO = 6;
    private static final int STATUS = 7;

    @TempDir
    private Path folder;

    private ServedImage served;

    @BeforeEach
    void serve() throws IOException {
        served = new ServedImage(folder, SIZE_BYTES);
        try (RawClient client = enter(Style.SIMPLE)) {
            client.request(0, WRITE, 4096, 512, new byte[512]);
            assertEquals(0, client.chunk().error());
        }
    }

    @AfterEach
    void stop() throws Exception {
        served.close();
        RawClient.assertNoThreadIsLeft();
    }

    private RawClient enter(Style style) throws IOException {
        return RawClient.enter(served.unix.address(), style);
    }

    @Test
    void shouldReadAndWrite() throws Exception {
        try (RawClient client = enter(Style.EXTENDED)) {
            client.request(0x20, WRITE, 8192, 4, new byte[] {1, 2, 3, 4});
            assertEquals(0, client.chunk().error());
            client.request(0, READ, 8193, 2);
            Chunk data = client.chunk();
            client.request(0, READ, 65536, 512);
            Chunk hole = client.chunk();

            assertEquals(RawClient.DATA, data.type());
            assertEquals(7, data.cookie());
            assertEquals(ByteBuffer.wrap(new byte[] {2, 3}), data.payload().position(8));
            assertEquals(RawClient.HOLE, hole.type());
            assertEquals(512, hole.payload().getInt(8));
        }
    }

    @Test
    void shouldRefuseLengthsThatOverflow() throws Exception {
        try (RawClient client = enter(Style.EXTENDED)) {
            for (long lengthBytes : new long[] {-1, Long.MIN_VALUE, Long.MAX_VALUE, 1L << 32}) {
                assertEquals(EINVAL, client.errorOf(0, READ, 4096, lengthBytes));
                assertEquals(EINVAL, client.errorOf(0, TRIM, 4096, lengthBytes));
                assertEquals(EINVAL, client.errorOf(0, STATUS, 4096, lengthBytes));
                assertEquals(ENOSPC, client.errorOf(0, ZERO, 4096, lengthBytes));
            }
        }
    }

    @Test
    void shouldTellStatusInExtendedChunks() throws Exception {
        try (RawClient client = enter(Style.EXTENDED)) {
            client.request(0, STATUS, 0, SIZE_BYTES);
            Chunk status = client.chunk();

            assertEquals(RawClient.STATUS_EXT, status.type());
            assertEquals(8 + 3 * 16, status.payload().remaining());
            assertEquals(3, status.payload().getInt(4));
            assertEquals(4096, status.payload().getLong(8));
        }
    }

    @Test
    void shouldTellStatusOfTheContextsThatAPayloadNames() throws Exception {
        try (RawClient client = enter(Style.EXTENDED)) {
            client.request(0x20, STATUS, 0, 12, payload(4096, 0));
            Chunk status = client.chunk();

            assertEquals(RawClient.STATUS_EXT, status.type());
            assertEquals(4096, status.payload().getLong(8));
        }
    }

    @Test
    void shouldRefuseStatusPayloadsThatAreWrong() throws Exception {
        try (RawClient client = enter(Style.EXTENDED)) {
            List<byte[]> wrong = List.of(
                    new byte[7], new byte[13], new byte[4096], payload(4096, 5), payload(4096, 0, 0), payload(-1, 0));
            for (byte[] payload : wrong) {
                client.request(0x20, STATUS, 0, payload.length, payload);
                assertEquals(EINVAL, client.chunk().error());
            }
            client.request(0x20, STATUS, 0, 8, payload(4096));
            assertEquals(EINVAL, client.chunk().error());
            assertEquals(0, client.errorOf(0, FLUSH, 0, 0));
        }
    }

    @Test
    void shouldDropPayloadsOfCommandsThatTakeNone() throws Exception {
        try (RawClient client = enter(Style.EXTENDED)) {
            for (int command : new int[] {READ, TRIM, FLUSH, 99}) {
                client.request(0x20, command, 0, 512, new byte[512]);
                assertEquals(EINVAL, client.chunk().error());
            }
            assertEquals(0, client.errorOf(0, FLUSH, 0, 0));
        }
    }

    private static byte[] payload(long lengthBytes, int... ids) {
        ByteBuffer payload = ByteBuffer.allocate(8 + 4 * ids.length).putLong(lengthBytes);
        for (int id : ids) {
            payload.putInt(id);
        }
        return payload.array();
    }
}
