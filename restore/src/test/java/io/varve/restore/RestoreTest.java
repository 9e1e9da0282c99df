package io.varve.restore;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.archive.Decisions;
import io.varve.archive.Manifest;
import io.varve.archive.Manifests;
import io.varve.archive.store.FileStore;
import io.varve.archive.store.ObjectKey;
import io.varve.archive.store.ObjectStore;
import io.varve.archive.store.Retries;
import io.varve.archive.store.S3Server;
import io.varve.archive.store.S3Store;
import io.varve.archive.store.WhenMissing;
import io.varve.core.commit.UnitId;
import io.varve.core.commit.Verdict;
import io.varve.core.drive.Completion;
import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(S3Server.Shared.class)
class RestoreTest {
    private static final int LAYERS = 4;

    @TempDir
    Path folder;

    private Path archive;
    private Path images;
    private Path target;
    private ObjectStore store;
    private QemuChain root;
    private QemuChain data;

    @BeforeEach
    void open() throws Exception {
        archive = Files.createDirectory(folder.resolve("archive"));
        images = Files.createDirectory(folder.resolve("images"));
        target = Files.createDirectory(folder.resolve("target"));
        store = FileStore.open(archive, WhenMissing.REFUSE);
        root = new QemuChain(store, images, "root", 1);
        data = new QemuChain(store, images, "data", 2);
    }

    private void commitAll(Completion completion) throws Exception {
        for (int i = 0; i < LAYERS; i++) {
            QemuChain.commit(store, "sp-" + i, completion, root, data);
        }
    }

    private List<String> leftInTarget() throws IOException {
        try (var files = Files.list(target)) {
            return files.map(file -> String.valueOf(file.getFileName()))
                    .sorted()
                    .toList();
        }
    }

    private String refusal(String syncPoint, String... drive) throws IOException {
        IOException e = assertThrows(
                IOException.class,
                () -> new Restore(store)
                        .run(
                                syncPoint,
                                Optional.of(drive).filter(d -> d.length > 0).map(d -> d[0]),
                                target));
        assertEquals(List.of(), leftInTarget());
        return String.valueOf(e.getMessage());
    }

    /** I6: each sync point, byte for byte. */
    @Test
    void shouldRestoreEverySyncPointByteForByte() throws Exception {
        commitAll(Completion.GROUPED);

        for (int i = 0; i < LAYERS; i++) {
            Path into = target.resolve("point-" + i);
            List<RestoredDrive> restored = new Restore(store).run("sp-" + i, Optional.empty(), into);

            assertArrayEquals(root.model("sp-" + i), Files.readAllBytes(into.resolve("root.raw")));
            assertArrayEquals(data.model("sp-" + i), Files.readAllBytes(into.resolve("data.raw")));
            assertEquals(2, restored.size());
            assertEquals(i + 1, restored.getFirst().backups());
            assertEquals(QemuChain.SIZE_BYTES, restored.getFirst().sizeBytes());
        }
    }

    @Test
    void shouldRestoreFromABucket(S3Server server) throws Exception {
        try (ObjectStore bucket = S3Store.open(server.newBucket(), WhenMissing.CREATE, Retries.STANDARD)) {
            QemuChain drive = new QemuChain(bucket, images, "in-bucket", 3);
            for (int i = 0; i < LAYERS; i++) {
                QemuChain.commit(bucket, "sp-" + i, Completion.INDIVIDUAL, drive);
            }

            for (int i = 0; i < LAYERS; i++) {
                Path file = target.resolve("image-" + i);
                new Restore(bucket).run("sp-" + i, Optional.empty(), file);
                assertArrayEquals(drive.model("sp-" + i), Files.readAllBytes(file));
            }
        }
    }

    @Test
    void shouldRestoreOneDriveToAFileOrIntoAFolder() throws Exception {
        commitAll(Completion.INDIVIDUAL);
        Path file = target.resolve("some.img");

        new Restore(store).run("sp-2", Optional.of("data"), file);
        List<RestoredDrive> second = new Restore(store).run("sp-2", Optional.of("root"), target);

        assertArrayEquals(data.model("sp-2"), Files.readAllBytes(file));
        assertArrayEquals(root.model("sp-2"), Files.readAllBytes(target.resolve("root.raw")));
        assertEquals(target.resolve("root.raw"), second.getFirst().file());
    }

    @Test
    void shouldReplaceNothing() throws Exception {
        commitAll(Completion.GROUPED);
        Path file = target.resolve("data.raw");
        Files.writeString(file, "precious");

        IOException e = assertThrows(IOException.class, () -> new Restore(store).run("sp-1", Optional.empty(), target));

        assertTrue(String.valueOf(e.getMessage()).contains("data.raw exists already"), e.getMessage());
        assertEquals("precious", Files.readString(file));
        assertEquals(List.of("data.raw"), leftInTarget());
    }

    @Test
    void shouldSayThatThereIsNoSuchSyncPoint() throws Exception {
        commitAll(Completion.GROUPED);

        for (String unknown : List.of("sp-99", "No Such / thing")) {
            String sentence = refusal(unknown);
            assertTrue(sentence.startsWith("there is no sync point '" + unknown + "'"), sentence);
            assertTrue(sentence.contains("varve sync-points"), sentence);
        }
    }

    @Test
    void shouldSayThatTheSyncPointHasNoSuchDrive() throws Exception {
        commitAll(Completion.GROUPED);

        String sentence = refusal("sp-1", "other");

        assertEquals("sync point 'sp-1' has no drive 'other'; it has [data, root]", sentence);
    }

    /** I14: only what the decision commits. */
    @Test
    void shouldRefuseWhatIsAbortedOrUndecided() throws Exception {
        commitAll(Completion.INDIVIDUAL);
        new Decisions(store)
                .decide(
                        new UnitId(new SyncPointId("sp-aborted"), Optional.empty()),
                        new Verdict.Aborted("the store was full"));
        Files.delete(archive.resolve("sync-points/sp-1.root.json"));

        String aborted = refusal("sp-aborted");
        String undecided = refusal("sp-1");

        assertTrue(aborted.contains("the store was full"), aborted);
        assertTrue(undecided.contains("drive 'root' at sync point 'sp-1' isn't committed"), undecided);
    }

    /** I11: refuses rather than guesses; any object that's missing is named. */
    @Test
    void shouldRefuseAChainThatMissesAnObject() throws Exception {
        commitAll(Completion.GROUPED);
        Manifest middle = new Manifests(store).read(root.ref(1));

        for (String key : List.of(
                root.ref(1).key(),
                middle.data().key().value(),
                middle.sums().key().value(),
                root.ref(0).key())) {
            Path hidden = Files.move(archive.resolve(key), folder.resolve("hidden"));

            String sentence = refusal("sp-3");

            assertTrue(sentence.contains(key), sentence);
            Files.move(hidden, archive.resolve(key));
        }
    }

    /** I11: a flipped bit anywhere that is read is found before the target appears. */
    @Test
    void shouldDetectFlippedBits() throws Exception {
        commitAll(Completion.GROUPED);
        SplittableRandom random = new SplittableRandom(5);
        for (int layer = 0; layer < LAYERS; layer++) {
            Manifest manifest = new Manifests(store).read(root.ref(layer));
            flipAndExpectRefusal(new ObjectKey(root.ref(layer).key()), random);
            flipAndExpectRefusal(manifest.sums().key(), random);
        }
    }

    private void flipAndExpectRefusal(ObjectKey key, SplittableRandom random) throws Exception {
        Path file = archive.resolve(key.value());
        byte[] bytes = Files.readAllBytes(file);
        for (int i = 0; i < 5; i++) {
            byte[] flipped = bytes.clone();
            flipped[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
            Files.write(file, flipped);

            String sentence = refusal("sp-3");

            assertTrue(sentence.contains(key.value()), sentence);
        }
        Files.write(file, bytes);
    }

    @Test
    void shouldDetectAFlippedBitInEveryClusterThatIsRead() throws Exception {
        QemuChain.commit(store, "sp-0", Completion.GROUPED, root);
        Manifest full = new Manifests(store).read(root.ref(0));
        Path file = archive.resolve(full.data().key().value());
        byte[] bytes = Files.readAllBytes(file);
        byte[] model = root.model("sp-0");
        int found = 0;

        for (int offset = 0; offset < bytes.length; offset += QemuChain.CLUSTER_BYTES) {
            byte[] flipped = bytes.clone();
            flipped[Math.min(offset + 1234, bytes.length - 1)] ^= 0x40;
            Files.write(file, flipped);
            Path restored = target.resolve("image-" + offset);
            try {
                new Restore(store).run("sp-0", Optional.empty(), restored);
                assertArrayEquals(model, Files.readAllBytes(restored));
                Files.delete(restored);
            } catch (IOException e) {
                assertTrue(String.valueOf(e.getMessage())
                        .contains("is damaged in '" + full.data().key()));
                found++;
            }
            assertEquals(List.of(), leftInTarget());
        }
        assertTrue(found > 20, "only " + found + " clusters were read");
    }

    @Test
    void shouldRefuseATruncatedObject() throws Exception {
        commitAll(Completion.GROUPED);
        Manifest full = new Manifests(store).read(root.ref(0));
        Path file = archive.resolve(full.data().key().value());
        byte[] bytes = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(bytes, bytes.length - 1));

        String sentence = refusal("sp-3");

        assertTrue(sentence.contains("it has " + (bytes.length - 1) + " bytes; expected " + bytes.length), sentence);
    }

    @Test
    void shouldLeaveNoFolderBehind() throws Exception {
        commitAll(Completion.GROUPED);
        Files.delete(archive.resolve(root.ref(0).key()));
        Path into = target.resolve("new-folder");

        assertThrows(IOException.class, () -> new Restore(store).run("sp-3", Optional.empty(), into));

        assertEquals(List.of(), leftInTarget());
    }

    @Test
    void shouldRestoreAllDrivesOrNoneWhenAFileComesMeanwhile() throws Exception {
        commitAll(Completion.GROUPED);
        Path into = target.resolve("new-folder");
        Restore restore = new Restore(store, (drive, doneBytes, sizeBytes) -> {
            try {
                Files.writeString(into.resolve("data.raw"), "precious");
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });

        IOException e = assertThrows(IOException.class, () -> restore.run("sp-3", Optional.empty(), into));

        assertTrue(String.valueOf(e.getMessage()).contains("data.raw exists already"), e.toString());
        try (var files = Files.list(into)) {
            assertEquals(List.of(into.resolve("data.raw")), files.toList());
        }
        assertEquals("precious", Files.readString(into.resolve("data.raw")));
    }

    @Test
    void shouldBeSparse() throws Exception {
        QemuChain.commit(store, "sp-0", Completion.GROUPED, root);
        Path file = target.resolve("sparse");

        new Restore(store).run("sp-0", Optional.of("root"), file);

        Process stat = new ProcessBuilder("stat", "-c", "%b", file.toString()).start();
        String blocks = new String(stat.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        assertTrue(Long.parseLong(blocks) * 512 < QemuChain.SIZE_BYTES, blocks + " blocks");
    }

    @Test
    void shouldTellItsProgress() throws Exception {
        QemuChain.commit(store, "sp-0", Completion.GROUPED, root);
        var seen = new ArrayList<Long>();

        new Restore(store, (drive, doneBytes, sizeBytes) -> {
                    assertEquals(new DriveId("root"), drive);
                    assertEquals(QemuChain.SIZE_BYTES, sizeBytes);
                    seen.add(doneBytes);
                })
                .run("sp-0", Optional.empty(), target.resolve("image"));

        assertEquals(QemuChain.SIZE_BYTES, seen.getLast());
        assertEquals(seen.stream().sorted().toList(), seen);
    }
}
