package io.varve.capture.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.varve.formats.nbd.NbdUri;
import io.varve.transfer.nbd.NbdClient;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Reads of what an export knows to be zero. */
@Timeout(60)
class SparseReadTest {
    private static final int KIB = 1 << 10;
    private static final int MIB = 1 << 20;

    @TempDir
    private Path folder;

    @Test
    void shouldNotReadHoles() throws Exception {
        FaultyExport sparse = new FaultyExport(8 * MIB, MIB);
        sparse.knowZeroes();
        try (ServedImage served = new ServedImage(folder, MIB)) {
            served.exports.add("sparse", sparse);
            try (NbdClient client = ServedImage.client(new NbdUri(served.unix.address(), "sparse"))) {
                byte[] expected = new byte[MIB];
                Arrays.fill(expected, 0, MIB / 2, (byte) 1);
                List<ByteBuffer> reads = new ArrayList<>();
                List<CompletableFuture<Void>> ends = new ArrayList<>();
                for (int index = 0; index < 8; index++) {
                    reads.add(ByteBuffer.wrap(new byte[MIB]));
                    ends.add(client.readAsync(MIB / 2, reads.getLast()));
                }
                for (int index = 0; index < 8; index++) {
                    ends.get(index).get(30, TimeUnit.SECONDS);
                    assertEquals(ByteBuffer.wrap(expected), reads.get(index));
                }
                client.read(7 * MIB, ByteBuffer.allocate(128 * KIB));
            }
        }
    }
}
