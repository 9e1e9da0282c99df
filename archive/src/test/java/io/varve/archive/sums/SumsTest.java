package io.varve.archive.sums;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.archive.Backups;
import io.varve.archive.DamagedArchiveException;
import io.varve.archive.Manifest;
import io.varve.archive.store.FileStore;
import io.varve.archive.store.MultipartUpload;
import io.varve.archive.store.ObjectKey;
import io.varve.archive.store.ObjectOutput;
import io.varve.archive.store.ObjectStore;
import io.varve.archive.store.Sha256;
import io.varve.archive.store.WhenMissing;
import io.varve.core.drive.Completion;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SumsTest {
    private static final ObjectKey KEY = new ObjectKey("x.sums");
    private static final ClusterDigest DIGEST = new ClusterDigest(0x0102030405060708L, 0x090A0B0C0D0E0F10L);

    @TempDir
    Path folder;

    private ObjectStore store;

    @BeforeEach
    void open() throws Exception {
        store = FileStore.open(folder, WhenMissing.REFUSE);
    }

    @Test
    void shouldHaveTheBytesOfTheFormat() throws Exception {
        try (SumsWriter writer = new SumsWriter(new ObjectOutput(store, KEY), 65536)) {
            writer.add(ClusterSum.data(1, 0x30000, 65536, DIGEST));
            writer.add(ClusterSum.zero(2, DIGEST));
            writer.finish();
        }

        String digest = "0102030405060708" + "090a0b0c0d0e0f10";
        assertArrayEquals(
                HexFormat.of()
                        .parseHex("5641525653554d53" + "00000001" + "00010000"
                                + "0000000000000001" + "0000000000030000" + "00010000" + "00000001" + digest
                                + "0000000000000002" + "0000000000000000" + "00000000" + "00000002" + digest),
                Files.readAllBytes(folder.resolve("x.sums")));
    }

    @Test
    void shouldTakeTheDigestsFirstHalf() throws Exception {
        byte[] cluster = new byte[512];
        cluster[0] = 1;

        ClusterDigest digest = ClusterDigest.of(ByteBuffer.wrap(cluster));

        assertEquals(
                Sha256.of(cluster).hex().substring(0, 32),
                HexFormat.of().toHexDigits(digest.high()) + HexFormat.of().toHexDigits(digest.low()));
    }

    @Test
    void shouldReadWhatWasWrittenWithAnyBuffer() throws Exception {
        Manifest manifest = backup(0, 1, 2, 7, 8, 63);

        for (int bufferBytes : List.of(1, 40, 100, 1 << 16)) {
            SumsReader.verify(store, manifest, ByteBuffer.allocate(Math.max(16, bufferBytes)));
            List<Long> clusters = new ArrayList<>();
            SumsReader reader = new SumsReader(store, manifest, bufferBytes);
            for (var sum = reader.next(); sum.isPresent(); sum = reader.next()) {
                clusters.add(sum.get().clusterIndex());
            }
            assertEquals(List.of(0L, 1L, 2L, 7L, 8L, 63L), clusters);
        }
    }

    @Test
    void shouldDetectEveryFlippedBit() throws Exception {
        Manifest manifest = backup(1, 5);
        Path file = folder.resolve(manifest.sums().key().value());
        byte[] bytes = Files.readAllBytes(file);
        SplittableRandom random = new SplittableRandom(3);

        for (int i = 0; i < 200; i++) {
            byte[] flipped = bytes.clone();
            flipped[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
            Files.write(file, flipped);
            assertThrows(
                    DamagedArchiveException.class, () -> SumsReader.verify(store, manifest, ByteBuffer.allocate(64)));
        }
    }

    @Test
    void shouldRefuseRecordsOutOfOrder() throws Exception {
        try (SumsWriter writer = new SumsWriter(new ObjectOutput(store, KEY), 65536)) {
            writer.add(ClusterSum.zero(3, DIGEST));

            assertThrows(IllegalArgumentException.class, () -> writer.add(ClusterSum.zero(3, DIGEST)));
        }
        assertEquals(Optional.empty(), store.head(KEY));
    }

    @Test
    void shouldStreamMoreThanOnePart() throws Exception {
        byte[] bytes = new byte[2 * MultipartUpload.MIN_PART_BYTES + 1];
        new SplittableRandom(4).nextBytes(bytes);
        ObjectOutput.Written written;

        try (ObjectOutput output = new ObjectOutput(store, KEY, MultipartUpload.MIN_PART_BYTES)) {
            output.write(bytes, 0, 1000);
            output.write(bytes, 1000, bytes.length - 1001);
            output.write(bytes[bytes.length - 1]);
            written = output.finish();
        }

        assertEquals(new ObjectOutput.Written(KEY, bytes.length, Sha256.of(bytes)), written);
        assertArrayEquals(bytes, store.get(KEY, bytes.length).orElseThrow());
    }

    @Test
    void shouldShowNothingOfAStreamThatWasNotFinished() throws Exception {
        try (ObjectOutput output = new ObjectOutput(store, KEY, MultipartUpload.MIN_PART_BYTES)) {
            output.write(new byte[MultipartUpload.MIN_PART_BYTES + 1]);
        }

        assertEquals(Optional.empty(), store.head(KEY));
        try (var left = Files.list(folder.resolve(".uploads"))) {
            assertTrue(left.findAny().isEmpty());
        }
    }

    private Manifest backup(long... clusters) throws Exception {
        return new Backups(store, 1)
                .full("root", Backups.membership("sp-1", Completion.GROUPED, "root"), clusters)
                .manifest();
    }
}
