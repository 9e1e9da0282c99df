package io.varve.archive;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.archive.Backups.Stored;
import io.varve.archive.Manifest.Membership;
import io.varve.archive.store.FileStore;
import io.varve.archive.store.ObjectKey;
import io.varve.archive.store.ObjectStore;
import io.varve.archive.store.Sha256;
import io.varve.archive.store.WhenMissing;
import io.varve.core.commit.ManifestRef;
import io.varve.core.drive.Completion;
import io.varve.core.drive.FullCause;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ManifestsTest {
    private static final Membership FIRST = Backups.membership("sp-1", Completion.GROUPED, "root", "data");
    private static final Membership SECOND = Backups.membership("sp-2", Completion.INDIVIDUAL, "root");

    @TempDir
    Path folder;

    private ObjectStore store;
    private Backups backups;
    private Manifests manifests;

    @BeforeEach
    void open() throws Exception {
        store = FileStore.open(folder, WhenMissing.REFUSE);
        backups = new Backups(store, 1);
        manifests = new Manifests(store);
    }

    @Test
    void shouldReadWhatItWrote() throws Exception {
        Stored full = backups.full("root", FIRST, 0, 5);
        Stored child = backups.incremental(full, SECOND, 1);

        assertEquals(full.manifest(), manifests.read(full.ref()));
        assertEquals(child.manifest(), manifests.read(child.ref()));
    }

    @Test
    void shouldNameItsObjectsByDriveChainAndAttempt() throws Exception {
        Stored full = backups.full("root", FIRST, 0);
        Stored child = backups.incremental(full, SECOND, 1);

        String attempt = child.manifest().name().attempt().toString();
        assertEquals(
                "root/sp-1/000001-incremental." + attempt + ".json", child.ref().key());
        assertTrue(Files.exists(folder.resolve("root/sp-1/000001-incremental." + attempt + ".qcow2")));
        assertTrue(
                full.ref().key().startsWith("root/sp-1/000000-full."),
                full.ref().key());
    }

    @Test
    void shouldPublishTheSameManifestTwiceButNotAnotherInItsPlace() throws Exception {
        Stored full = backups.full("root", FIRST, 0);
        Manifest same = full.manifest();
        Manifest other = new Manifest(
                same.name(),
                same.membership(),
                same.parent(),
                same.fullCause(),
                same.image(),
                same.cut(),
                same.data(),
                same.sums(),
                same.created().plusSeconds(1),
                same.position());

        ManifestRef again = manifests.publish(same);
        DamagedArchiveException e = assertThrows(DamagedArchiveException.class, () -> manifests.publish(other));

        assertEquals(full.ref(), again);
        assertTrue(e.getMessage().contains("used twice"), e.getMessage());
    }

    /** I7: a manifest appears after every object that it names. */
    @Test
    void shouldNotPublishBeforeItsObjectsAreThere() throws Exception {
        Stored full = backups.full("root", FIRST, 0);
        Files.delete(folder.resolve(full.ref().key()));
        Files.delete(folder.resolve(full.manifest().sums().key().value()));

        DamagedArchiveException e =
                assertThrows(DamagedArchiveException.class, () -> manifests.publish(full.manifest()));

        assertTrue(e.getMessage().contains(".sums"), e.getMessage());
        assertTrue(Files.notExists(folder.resolve(full.ref().key())));
    }

    @Test
    void shouldFollowAChain() throws Exception {
        Stored full = backups.full("root", FIRST, 0);
        Stored one = backups.incremental(full, SECOND, 1);
        Stored two = backups.incremental(one, SECOND, 2);

        assertEquals(List.of(two.manifest(), one.manifest(), full.manifest()), manifests.chain(two.ref()));
    }

    /** I4: a parent is believed by its digest only. */
    @Test
    void shouldRefuseAChainWhoseParentWasReplaced() throws Exception {
        Stored full = backups.full("root", FIRST, 0);
        Stored child = backups.incremental(full, SECOND, 1);
        Path parent = folder.resolve(full.ref().key());
        String text = Files.readString(parent);
        Files.writeString(parent, text.replace("02:00:00", "03:00:00"));

        DamagedArchiveException e = assertThrows(DamagedArchiveException.class, () -> manifests.chain(child.ref()));

        assertTrue(e.getMessage().contains(full.ref().key()), e.getMessage());
        assertTrue(e.getMessage().contains("damaged or replaced"), e.getMessage());
    }

    @Test
    void shouldRefuseAParentOfAnotherDriveOrChain() throws Exception {
        Stored foreign = backups.full("data", FIRST, 0);
        Stored full = backups.full("root", FIRST, 0);
        Stored skipped = backups.incremental(backups.incremental(full, SECOND, 1), SECOND, 2);

        for (ManifestRef wrong : List.of(foreign.ref(), full.ref())) {
            ManifestRef head = rewrite(skipped, wrong);
            assertThrows(DamagedArchiveException.class, () -> manifests.chain(head));
        }
    }

    /** The same manifest with another parent, as a digest-knowing enemy or a bug would write it. */
    private ManifestRef rewrite(Stored child, ManifestRef parent) throws Exception {
        ManifestRef old = child.manifest().parent().orElseThrow();
        Path file = folder.resolve(child.ref().key());
        String text = new String(ManifestJson.write(child.manifest()), StandardCharsets.UTF_8)
                .replace(old.key(), parent.key())
                .replace(old.sha256().hex(), parent.sha256().hex());
        Files.writeString(file, text);
        return new ManifestRef(child.ref().key(), Sha256.of(text.getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void shouldSayThatAManifestIsMissing() throws Exception {
        Stored full = backups.full("root", FIRST, 0);
        Files.delete(folder.resolve(full.ref().key()));

        DamagedArchiveException e = assertThrows(DamagedArchiveException.class, () -> manifests.read(full.ref()));

        assertTrue(e.getMessage().contains("is missing"), e.getMessage());
    }

    @Test
    void shouldDetectEveryFlippedBitOfAManifest() throws Exception {
        Stored full = backups.full("root", FIRST, 0, 1, 2);
        Path file = folder.resolve(full.ref().key());
        byte[] bytes = Files.readAllBytes(file);
        SplittableRandom random = new SplittableRandom(7);

        for (int i = 0; i < 200; i++) {
            byte[] flipped = bytes.clone();
            flipped[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
            Files.write(file, flipped);
            assertThrows(DamagedArchiveException.class, () -> manifests.read(full.ref()));
        }
    }

    @Test
    void shouldReadStrictly() {
        ObjectKey key = new ObjectKey("root/sp-1/000000-full.x.json");
        String deep = "{\"version\":1,\"drive\":" + "[".repeat(100) + "]".repeat(100) + "}";

        for (String text : List.of(
                "",
                "[]",
                "{}",
                "{\"version\":2}",
                "{\"version\":1}",
                "{\"version\":1} x",
                "{\"version\":1,\"version\":1}",
                "not json",
                deep,
                " ".repeat(2 << 20))) {
            DamagedArchiveException e = assertThrows(
                    DamagedArchiveException.class, () -> ManifestJson.read(key, text.getBytes(StandardCharsets.UTF_8)));
            assertTrue(e.getMessage().contains(key.value()), e.getMessage());
        }
    }

    @Test
    void shouldRefuseAnUnknownField() throws Exception {
        Stored full = backups.full("root", FIRST, 0);
        String text = new String(ManifestJson.write(full.manifest()), StandardCharsets.UTF_8)
                .replaceFirst("\"sizeBytes\"", "\"extra\" : 1, \"sizeBytes\"");

        DamagedArchiveException e = assertThrows(
                DamagedArchiveException.class,
                () -> ManifestJson.read(new ObjectKey("x"), text.getBytes(StandardCharsets.UTF_8)));

        assertTrue(e.getMessage().contains("unknown field 'image.extra'"), e.getMessage());
    }

    @Test
    void shouldRefuseAManifestThatNamesForeignObjects() throws Exception {
        Stored one = backups.full("root", FIRST, 0);
        Stored two = backups.full("root", FIRST, 0);
        Manifest manifest = one.manifest();

        assertThrows(
                IllegalArgumentException.class,
                () -> new Manifest(
                        manifest.name(),
                        manifest.membership(),
                        manifest.parent(),
                        manifest.fullCause(),
                        manifest.image(),
                        manifest.cut(),
                        two.manifest().data(),
                        manifest.sums(),
                        manifest.created(),
                        manifest.position()));
    }

    @Test
    void shouldKeepWhyAFullBackupWasntAskedFor() throws Exception {
        Stored unasked = backups.unasked("root", FIRST, FullCause.IMAGE_CHANGED, 0);

        assertEquals(unasked.manifest(), manifests.read(unasked.ref()));
        assertEquals(
                Optional.of(FullCause.IMAGE_CHANGED),
                manifests.read(unasked.ref()).fullCause());
        assertTrue(text(unasked).contains("\"fullCause\" : \"image-changed\""), text(unasked));
    }

    /** As all manifests were before causes. */
    @Test
    void shouldTellNoCauseOfAFullBackupThatWasAskedFor() throws Exception {
        Stored asked = backups.full("root", FIRST, 0);

        assertFalse(text(asked).contains("fullCause"), text(asked));
        assertEquals(Optional.empty(), manifests.read(asked.ref()).fullCause());
    }

    @Test
    void shouldReadACauseOfALaterVersionAsTheGeneralOne() throws Exception {
        String later =
                text(backups.unasked("root", FIRST, FullCause.NO_ANCHOR, 0)).replace("no-anchor", "new-cause");

        assertEquals(
                Optional.of(FullCause.INCONSISTENT),
                ManifestJson.read(new ObjectKey("x"), later.getBytes(StandardCharsets.UTF_8))
                        .fullCause());
    }

    @Test
    void shouldRefuseACauseThatIsNoLabelOrOfAnIncrement() throws Exception {
        Stored full = backups.unasked("root", FIRST, FullCause.NO_ANCHOR, 0);
        String number = text(full).replace("\"no-anchor\"", "1");
        String increment = text(backups.incremental(full, SECOND, 1))
                .replaceFirst("\"image\"", "\"fullCause\" : \"no-anchor\", \"image\"");

        assertDamaged("field 'fullCause': expected a string", number);
        assertDamaged("has a cause to be a full one, 'no-anchor'", increment);
    }

    private static void assertDamaged(String part, String text) {
        DamagedArchiveException e = assertThrows(
                DamagedArchiveException.class,
                () -> ManifestJson.read(new ObjectKey("x"), text.getBytes(StandardCharsets.UTF_8)));
        assertTrue(e.getMessage().contains(part), e.getMessage());
    }

    private static String text(Stored stored) {
        return new String(ManifestJson.write(stored.manifest()), StandardCharsets.UTF_8);
    }

    @Test
    void shouldAcceptAStoreThatNeverOverwrites() throws Exception {
        ConditionalPutProbe.check(store);
        ConditionalPutProbe.check(store);

        assertEquals(
                ByteBuffer.wrap(Files.readAllBytes(folder.resolve("probes/conditional-put"))),
                ByteBuffer.wrap(
                        store.get(new ObjectKey("probes/conditional-put"), 1000).orElseThrow()));
    }
}
