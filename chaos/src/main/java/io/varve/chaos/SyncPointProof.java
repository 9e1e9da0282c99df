package io.varve.chaos;

import io.varve.archive.Catalog;
import io.varve.archive.SyncPoint;
import io.varve.archive.SyncPoint.DriveBackup;
import io.varve.archive.store.ObjectKey;
import io.varve.archive.store.ObjectPage;
import io.varve.archive.store.ObjectStore;
import io.varve.chaos.WriterHistory.View;
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
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Restores sync points from the bucket alone and looks whether they show legal states. Thread: its owner's only.
 *
 * <p>What is restored is deleted once it's found right.
 */
final class SyncPointProof {
    private static final String DECISIONS = "sync-points/";

    private final ObjectStore store;
    private final Path folder;

    SyncPointProof(ObjectStore store, Path folder) {
        this.store = store;
        this.folder = folder;
    }

    /**
     * What the archive has of a sync point.
     *
     * @param drives that are committed, by name, and whether the backup is a full one
     * @param isDecided whether nothing of it is open
     */
    record Archived(Map<String, Boolean> drives, boolean isDecided, String state) {
        Archived {
            drives = Map.copyOf(drives);
        }
    }

    /** The ids of all sync points of which the archive has a decision. */
    Set<String> decided() throws IOException {
        Set<String> ids = new TreeSet<>();
        Optional<ObjectKey> after = Optional.empty();
        do {
            ObjectPage page = store.list(DECISIONS, after);
            page.objects().forEach(object -> ids.add(idOf(object.key())));
            after = page.next();
        } while (after.isPresent());
        return ids;
    }

    /** A decision's key is {@code sync-points/ID.json}, or {@code sync-points/ID.DRIVE.json}; an id has no dot. */
    private static String idOf(ObjectKey key) {
        String name = key.value().substring(DECISIONS.length());
        return name.substring(0, name.indexOf('.'));
    }

    Optional<Archived> archived(String id) throws IOException {
        return new Catalog(store).find(new SyncPointId(id)).map(SyncPointProof::archived);
    }

    private static Archived archived(SyncPoint point) {
        Map<String, Boolean> drives = new HashMap<>();
        boolean isDecided = true;
        for (var entry : point.drives().entrySet()) {
            switch (entry.getValue()) {
                case DriveBackup.Committed committed ->
                    drives.put(
                            entry.getKey().value(), committed.manifest().name().isFull());
                case DriveBackup.Undecided undecided -> isDecided = false;
                case DriveBackup.Aborted aborted -> {}
                case DriveBackup.Damaged damaged -> isDecided = false;
            }
        }
        return new Archived(drives, isDecided, point.state() + " " + point.drives());
    }

    /** Restores the committed drives; the raw images by drive. */
    Map<String, Path> restore(String id, Archived archived) throws IOException {
        Path to = Files.createDirectories(folder.resolve(id));
        Map<String, Path> restored = new HashMap<>();
        for (String drive : archived.drives().keySet()) {
            for (RestoredDrive one : new Restore(store).run(id, Optional.of(drive), to.resolve(drive + ".raw"))) {
                restored.put(one.drive().value(), one.file());
            }
        }
        return restored;
    }

    /** What is wrong with the restored drives, whichever of the cuts it was; empty when one fits. */
    static Optional<String> objection(List<Cut> possible, List<View> histories, Map<String, Path> restored)
            throws IOException {
        List<String> objections = new ArrayList<>();
        for (Cut cut : possible) {
            Optional<String> objection =
                    new LegalState(cut.askedNanos(), cut.answeredNanos()).objection(histories, restored);
            if (objection.isEmpty()) {
                return objection;
            }
            objections.add(objection.get());
        }
        return Optional.of(objections.isEmpty() ? "nobody asked for it" : String.join("; or ", objections));
    }

    /** Deletes what was restored. */
    void delete(Map<String, Path> restored) throws IOException {
        for (Path raw : restored.values()) {
            Files.delete(raw);
        }
    }
}
