package io.varve.cli.quickstart;

import io.varve.archive.Catalog;
import io.varve.archive.SyncPoint;
import io.varve.archive.SyncPoint.DriveBackup;
import io.varve.archive.store.ObjectStore;
import io.varve.core.id.SyncPointId;
import io.varve.restore.Restore;
import io.varve.restore.RestoredDrive;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;

/** Restores sync points from the bucket alone and compares them with what they must show. */
final class Verification {
    private final ObjectStore store;
    private final Path folder;
    private final Optional<QemuImages> qemu;

    /** @param folder for what is restored, which is deleted once it's compared */
    Verification(ObjectStore store, Path folder, Optional<QemuImages> qemu) {
        this.store = store;
        this.folder = folder;
        this.qemu = qemu;
    }

    /** Each drive of the sync point, in order. */
    List<VerifiedDrive> verify(TakenSyncPoint taken) throws IOException, InterruptedException {
        SyncPoint syncPoint = new Catalog(store)
                .find(new SyncPointId(taken.id()))
                .orElseThrow(() -> new IOException("sync point '" + taken.id() + "' isn't in the archive"));
        Map<String, Path> restored = new HashMap<>();
        for (RestoredDrive drive : new Restore(store).run(taken.id(), Optional.empty(), folder.resolve(taken.id()))) {
            restored.put(drive.drive().value(), drive.file());
        }
        List<VerifiedDrive> verified = new ArrayList<>();
        for (var entry : syncPoint.drives().entrySet()) {
            if (entry.getValue() instanceof DriveBackup.Committed backup) {
                Path raw = Objects.requireNonNull(restored.get(entry.getKey().value()));
                verified.add(verify(taken, backup, raw, restored));
            }
        }
        for (Path raw : restored.values()) {
            Files.delete(raw);
        }
        return verified;
    }

    private VerifiedDrive verify(TakenSyncPoint taken, DriveBackup.Committed backup, Path raw, Map<String, Path> all)
            throws IOException, InterruptedException {
        String drive = backup.manifest().name().drive().value();
        Optional<String> objection = switch (taken.expected()) {
            case Expected.Remembered(var models) -> difference(Objects.requireNonNull(models.get(drive)), raw);
            case Expected.Legal legal -> illegality(legal, all);
        };
        if (objection.isEmpty() && qemu.isPresent()) {
            objection = qemu.get().objection(backup.ref(), raw);
        }
        return new VerifiedDrive(taken, backup.manifest(), finding(taken.expected()), objection);
    }

    private static String finding(Expected expected) {
        return switch (expected) {
            case Expected.Remembered remembered -> "identical";
            case Expected.Legal legal -> "legal";
        };
    }

    private static Optional<String> difference(DriveModel model, Path raw) throws IOException {
        OptionalLong first = model.firstDifference(raw);
        return first.isEmpty() ? Optional.empty() : Optional.of("differs at offset " + first.getAsLong());
    }

    private static Optional<String> illegality(Expected.Legal expected, Map<String, Path> restored) throws IOException {
        LegalState state = new LegalState(expected.askedNanos(), expected.answeredNanos());
        return switch (state.check(expected.histories(), restored)) {
            case LegalState.Finding.Legal legal -> Optional.empty();
            case LegalState.Finding.Illegal(String reason) -> Optional.of(reason);
        };
    }
}
