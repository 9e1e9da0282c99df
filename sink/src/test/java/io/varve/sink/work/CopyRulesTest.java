package io.varve.sink.work;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.archive.BackupName;
import io.varve.archive.store.StoreException;
import io.varve.core.bits.Digest;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.core.commit.Outcome.Retry;
import io.varve.core.commit.Part;
import io.varve.core.commit.Task;
import io.varve.core.drive.Anchor;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.BitmapMode;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Cut;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.drive.SyncPointMark.SnapshotExport;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import io.varve.core.id.JournalId;
import io.varve.core.id.SyncPointId;
import io.varve.formats.nbd.NbdAddress;
import io.varve.formats.nbd.NbdError;
import io.varve.formats.nbd.NbdUri;
import io.varve.sink.work.CopyRules.Checked;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class CopyRulesTest {
    private static final long SIZE_BYTES = 1 << 20;
    private static final UUID ATTEMPT = new UUID(3, 4);
    private static final DriveId DRIVE = new DriveId("vda");
    private static final Digest DIGEST = new Digest("0".repeat(64));
    private static final SyncPointId CHAIN = new SyncPointId("sp-0");
    private static final Anchor ANCHOR = new Anchor(new SyncPointId("sp-6"), CHAIN, 6, "vda/sp-0/x.json", DIGEST);
    private static final BackupKind INCREMENT = new BackupKind.Incremental(Optional.of(ANCHOR));
    private static final SnapshotExport EXPORT = new SnapshotExport("unix:/run/x", "vda@sp-7");

    @Test
    void shouldNameTheObjectsAfterTheAnchor() {
        CopyOrder full = sound(mark(new BackupKind.Full(), Optional.empty(), EXPORT, SIZE_BYTES));
        CopyOrder increment = sound(mark(INCREMENT, Optional.of(cut(marks())), EXPORT, SIZE_BYTES));

        assertEquals(new BackupName(DRIVE, new SyncPointId("sp-7"), 0, ATTEMPT), full.name());
        assertEquals(new BackupName(DRIVE, CHAIN, 7, ATTEMPT), increment.name());
        assertEquals(Optional.of(ANCHOR), increment.parent());
        assertEquals(new NbdUri(new NbdAddress.Unix("/run/x"), "vda@sp-7"), full.export());
    }

    @Test
    void shouldRefuseWhatNoAttemptCanDo() {
        Anchor longest = new Anchor(new SyncPointId("sp-6"), CHAIN, 999, "vda/sp-0/x.json", DIGEST);
        Anchor strange = new Anchor(new SyncPointId("sp-6"), CHAIN, 6, "../x.json", DIGEST);
        Optional<Cut> cut = Optional.of(cut(marks()));

        assertRefused("without a cut", mark(INCREMENT, Optional.empty(), EXPORT, SIZE_BYTES));
        assertRefused("without a parent", mark(new BackupKind.Incremental(Optional.empty()), cut, EXPORT, SIZE_BYTES));
        assertRefused(
                "at most 1000 are possible",
                mark(new BackupKind.Incremental(Optional.of(longest)), cut, EXPORT, SIZE_BYTES));
        assertRefused(
                "'../x.json' is no object's key",
                mark(new BackupKind.Incremental(Optional.of(strange)), cut, EXPORT, SIZE_BYTES));
        assertRefused("a multiple of 512", mark(new BackupKind.Full(), Optional.empty(), EXPORT, 1000));
        assertRefused(
                "isn't an NBD address",
                mark(new BackupKind.Full(), Optional.empty(), new SnapshotExport("a/b:1", "x"), SIZE_BYTES));
    }

    @Test
    void shouldTakeNoOtherMarksThanTheMarkerPromises() {
        Marks promised = marks();
        SyncPointMark mark = mark(INCREMENT, Optional.of(cut(promised)), EXPORT, SIZE_BYTES);
        Marks more = marks();
        more.mark(SIZE_BYTES - 1, 1);

        assertEquals(Optional.empty(), CopyRules.cutObjection(mark, promised));
        assertObjection(more.digest().hex(), CopyRules.cutObjection(mark, more));
        assertObjection("granules of 4096", CopyRules.cutObjection(mark, promised.copyAt(new Granularity(4096))));
        assertObjection("of a drive of 512 bytes", CopyRules.cutObjection(mark, Marks.none(Granularity.DEFAULT, 512)));
    }

    @Test
    void shouldTellABrokenSnapshotFromABrokenLine() {
        assertEquals(Retry.POINTLESS, CopyRules.afterServer(Optional.of(NbdError.EIO)));
        assertEquals(Retry.POINTLESS, CopyRules.afterServer(Optional.of(NbdError.ESHUTDOWN)));
        assertEquals(Retry.WORTHWHILE, CopyRules.afterServer(Optional.of(NbdError.ENOMEM)));
        assertEquals(Retry.WORTHWHILE, CopyRules.afterServer(Optional.empty()));
        assertEquals(Retry.POINTLESS, CopyRules.afterStore(Optional.of(StoreException.Category.DENIED)));
        assertEquals(Retry.WORTHWHILE, CopyRules.afterStore(Optional.of(StoreException.Category.UNAVAILABLE)));
        assertEquals(Retry.WORTHWHILE, CopyRules.afterStore(Optional.empty()));
    }

    private static CopyOrder sound(SyncPointMark mark) {
        return assertInstanceOf(Checked.Sound.class, check(mark)).order();
    }

    private static void assertRefused(String part, SyncPointMark mark) {
        String reason = assertInstanceOf(Checked.Refused.class, check(mark)).reason();
        assertTrue(reason.contains(part), reason);
    }

    private static void assertObjection(String part, Optional<String> objection) {
        assertTrue(objection.orElse("").contains(part), objection::toString);
    }

    private static Checked check(SyncPointMark mark) {
        Part part = new Part(DRIVE, new JournalId(new UUID(1, 2)), mark, Optional.empty());
        return CopyRules.check(new Task.Copy(part, 1), ATTEMPT);
    }

    private static Marks marks() {
        Marks marks = Marks.none(Granularity.DEFAULT, SIZE_BYTES);
        marks.mark(0, 4096);
        return marks;
    }

    private static Cut cut(Marks marks) {
        return new Cut(
                new BitmapName("bitmap0"),
                BitmapMode.ON_SUCCESS,
                new TreeSet<>(List.of(1L)),
                marks.granularity(),
                marks.dirtyBytes(),
                marks.digest());
    }

    private static SyncPointMark mark(BackupKind kind, Optional<Cut> cut, SnapshotExport export, long sizeBytes) {
        return new SyncPointMark(
                new BackupKey(new SyncPointId("sp-7"), 0),
                new TreeSet<>(List.of(DRIVE)),
                Completion.INDIVIDUAL,
                BackupTarget.ARCHIVE,
                kind,
                cut,
                new TreeSet<>(),
                sizeBytes,
                export);
    }
}
