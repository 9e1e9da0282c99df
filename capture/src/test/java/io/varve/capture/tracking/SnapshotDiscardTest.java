package io.varve.capture.tracking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.nbd.Export;
import io.varve.capture.nbd.ExportRegistry;
import io.varve.capture.nbd.NbdServer;
import io.varve.capture.nbd.NbdServerOptions;
import io.varve.capture.snapshot.Snapshot;
import io.varve.capture.snapshot.SnapshotRead;
import io.varve.core.drive.Completion;
import io.varve.formats.nbd.NbdAddress;
import io.varve.formats.nbd.NbdError;
import io.varve.formats.nbd.NbdUri;
import io.varve.formats.nbd.TransmissionFlag;
import io.varve.transfer.nbd.Durability;
import io.varve.transfer.nbd.NbdClient;
import io.varve.transfer.nbd.NbdClientOptions;
import io.varve.transfer.nbd.NbdException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** TRIM on a snapshot: what its reader is done with. */
@Timeout(60)
class SnapshotDiscardTest {
    private static final int GRANULE_BYTES = 65_536;
    private static final int GRANULES = 16;
    private static final int SIZE_BYTES = GRANULES * GRANULE_BYTES;

    @TempDir
    Path directory;

    private AgentFixture fixture;
    private Export drive;
    private Snapshot snapshot;
    private Export export;

    @BeforeEach
    void begin() throws IOException {
        fixture = AgentFixture.open(directory);
        drive = fixture.attach("disk0", SIZE_BYTES);
        write(0, SIZE_BYTES, 1);
        snapshot = fixture.transact(Completion.INDIVIDUAL, AgentFixture.full("disk0"))
                .getFirst()
                .snapshot();
        export = fixture.export(snapshot.name());
    }

    @AfterEach
    void end() throws IOException {
        fixture.close();
    }

    @Test
    void shouldGiveBackWhatWasKeptOfATrimmedGranule() {
        write(0, SIZE_BYTES, 2);

        trim(GRANULE_BYTES, 2 * GRANULE_BYTES);
        trim(GRANULE_BYTES, GRANULE_BYTES);

        assertEquals(SIZE_BYTES - 2 * GRANULE_BYTES, snapshot.keptBytes());
        assertInstanceOf(SnapshotRead.Unprotected.class, readGranule(1));
        assertInstanceOf(SnapshotRead.Unprotected.class, readGranule(2));
        assertInstanceOf(SnapshotRead.Done.class, readGranule(0));
        assertInstanceOf(SnapshotRead.Done.class, readGranule(3));
    }

    @Test
    void shouldKeepNothingOfATrimmedGranule() {
        trim(0, SIZE_BYTES - GRANULE_BYTES);

        write(0, SIZE_BYTES, 2);

        assertEquals(GRANULE_BYTES, snapshot.keptBytes());
        assertInstanceOf(SnapshotRead.Done.class, readGranule(GRANULES - 1));
    }

    @Test
    void shouldKeepGranulesThatATrimCoversInPart() {
        trim(512, 2 * GRANULE_BYTES - 1024);

        write(0, SIZE_BYTES, 2);

        assertEquals(SIZE_BYTES, snapshot.keptBytes());
        assertInstanceOf(SnapshotRead.Done.class, readGranule(0));
        assertInstanceOf(SnapshotRead.Done.class, readGranule(1));
    }

    /** Else the future gets into a backup. */
    @Test
    void shouldNeverLetAReaderSeeWhatWasWrittenAfterATrim() throws Exception {
        for (int granule = 0; granule < GRANULES; granule++) {
            int read = granule;
            CompletableFuture<Integer> reader = CompletableFuture.supplyAsync(() -> {
                int reads = 0;
                while (readGranule(read) instanceof SnapshotRead.Done) {
                    reads++;
                }
                return reads;
            });

            trim((long) granule * GRANULE_BYTES, GRANULE_BYTES);
            write((long) granule * GRANULE_BYTES, GRANULE_BYTES, 2);

            assertTrue(reader.get() >= 0);
        }
        assertEquals(0, snapshot.keptBytes());
    }

    @Test
    void shouldTakeTrimsFromClientsAndNoOtherChange() throws Exception {
        ExportRegistry exports = new ExportRegistry();
        exports.add(snapshot.name(), export);
        try (NbdServer server = new NbdServer(exports, NbdServerOptions.DEFAULT)) {
            NbdAddress address = server.listen(
                    new NbdAddress.Unix(directory.resolve("nbd.sock").toString()));
            NbdUri uri = new NbdUri(address, snapshot.name());
            try (NbdClient client = NbdClient.connect(uri, List.of(), NbdClientOptions.DEFAULT)) {
                client.trim(0, GRANULE_BYTES, Durability.CACHED);

                NbdException read = assertThrows(NbdException.class, () -> client.read(0, ByteBuffer.allocate(512)));
                NbdException written = assertThrows(
                        NbdException.class,
                        () -> client.write(GRANULE_BYTES, ByteBuffer.allocate(512), Durability.CACHED));
                NbdException zeroed = assertThrows(
                        NbdException.class, () -> client.writeZeroes(GRANULE_BYTES, 512, Durability.CACHED));

                assertEquals(NbdError.EINVAL, read.error());
                assertEquals(NbdError.EPERM, written.error());
                assertEquals(NbdError.EPERM, zeroed.error());
                assertTrue(client.flags().contains(TransmissionFlag.READ_ONLY));
                client.read(GRANULE_BYTES, ByteBuffer.allocate(512));
            }
        }
    }

    /** Checks what was read, too. */
    private SnapshotRead readGranule(int granule) {
        ByteBuffer into = ByteBuffer.allocate(GRANULE_BYTES);
        SnapshotRead result = snapshot.read((long) granule * GRANULE_BYTES, into);
        if (result instanceof SnapshotRead.Done) {
            byte[] expected = new byte[GRANULE_BYTES];
            Arrays.fill(expected, (byte) 1);
            assertEquals(ByteBuffer.wrap(expected), into.flip());
        }
        return result;
    }

    private void trim(long offsetBytes, long lengthBytes) {
        AgentFixture.ended(completion -> export.trim(offsetBytes, lengthBytes, completion));
    }

    private void write(long offsetBytes, int lengthBytes, int value) {
        byte[] data = new byte[lengthBytes];
        Arrays.fill(data, (byte) value);
        AgentFixture.write(drive, offsetBytes, data);
    }
}
