package io.varve.archive;

import io.varve.archive.SyncPoint.DriveBackup;
import io.varve.archive.store.ObjectKey;
import io.varve.archive.store.ObjectPage;
import io.varve.archive.store.ObjectStore;
import io.varve.archive.store.ObjectSummary;
import io.varve.core.commit.ManifestRef;
import io.varve.core.commit.UnitId;
import io.varve.core.commit.Verdict;
import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What an archive holds, read from the archive alone. Only what a decision commits is offered; the rest is shown with
 * its state (I14). Safe for any thread.
 */
public final class Catalog {
    private static final Comparator<SyncPoint> BY_TIME = Comparator.comparing(
                    (SyncPoint point) -> point.created().orElse(Instant.MAX))
            .thenComparing(SyncPoint::id);

    private final ObjectStore store;
    private final Decisions decisions;
    private final Manifests manifests;

    public Catalog(ObjectStore store) {
        this.store = store;
        decisions = new Decisions(store);
        manifests = new Manifests(store);
    }

    /** A unit with its decision. */
    private record Decided(UnitId unit, Verdict verdict) {}

    /** One drive's backup that a decision names. */
    private record Named(UnitId unit, DriveId drive, ManifestRef ref) {}

    /** A named backup, read. */
    private record Read(Named named, DriveBackup backup) {}

    /**
     * A sync point by its id, or empty when the archive has no decision of it. A few requests, whatever the archive's
     * size.
     */
    public Optional<SyncPoint> find(SyncPointId id) throws IOException {
        return drafts(ObjectKeys.decisionPrefix(id)).values().stream()
                .map(SyncPointDraft::finish)
                .findFirst();
    }

    /**
     * Every sync point that left a decision or a manifest, the newest last, undecided ones at the end. Reads all of
     * them, several at a time.
     */
    public List<SyncPoint> list() throws IOException {
        List<ObjectKey> waiting = manifestKeys();
        List<Decided> decided = decided(ObjectKeys.SYNC_POINTS + "/");
        Set<UnitId> settled = new HashSet<>();
        Set<String> named = new HashSet<>();
        for (Decided one : decided) {
            settled.add(one.unit());
            named(one).forEach(backup -> named.add(backup.ref().key()));
        }
        SortedMap<SyncPointId, SyncPointDraft> drafts = drafts(decided);
        waiting.removeIf(key -> named.contains(key.value()));
        for (Manifest manifest : ParallelReads.map(waiting, this::readable).stream()
                .flatMap(Optional::stream)
                .toList()) {
            if (!settled.contains(manifest.unit())) {
                draft(drafts, manifest.membership().syncPoint()).undecided(manifest);
            }
        }
        return drafts.values().stream()
                .map(SyncPointDraft::finish)
                .sorted(BY_TIME)
                .toList();
    }

    private List<ObjectKey> manifestKeys() throws IOException {
        List<ObjectKey> keys = new ArrayList<>();
        for (ObjectSummary object : all("")) {
            if (ObjectKeys.isManifest(object.key())) {
                keys.add(object.key());
            }
        }
        return keys;
    }

    /** A manifest that no decision names; one that can't be read is of no attempt that counts. */
    private Optional<Manifest> readable(ObjectKey key) throws IOException {
        try {
            return Optional.of(manifests.find(key));
        } catch (DamagedArchiveException e) {
            return Optional.empty();
        }
    }

    private SortedMap<SyncPointId, SyncPointDraft> drafts(String decisionPrefix) throws IOException {
        return drafts(decided(decisionPrefix));
    }

    private SortedMap<SyncPointId, SyncPointDraft> drafts(List<Decided> decided) throws IOException {
        SortedMap<SyncPointId, SyncPointDraft> drafts = new TreeMap<>();
        List<Named> named = new ArrayList<>();
        for (Decided one : decided) {
            named.addAll(named(one));
            if (one.verdict() instanceof Verdict.Aborted(String reason)) {
                draft(drafts, one.unit().syncPoint()).aborted(one.unit(), reason);
            }
        }
        for (Read read : ParallelReads.map(named, this::read)) {
            UnitId unit = read.named().unit();
            draft(drafts, unit.syncPoint()).committed(unit, read.named().drive(), read.backup());
        }
        return drafts;
    }

    private static SyncPointDraft draft(SortedMap<SyncPointId, SyncPointDraft> drafts, SyncPointId id) {
        return drafts.computeIfAbsent(id, SyncPointDraft::new);
    }

    private List<Decided> decided(String prefix) throws IOException {
        List<UnitId> units = all(prefix).stream()
                .flatMap(object -> ObjectKeys.unitOf(object.key()).stream())
                .toList();
        return ParallelReads.map(units, unit -> decisions.find(unit).map(verdict -> new Decided(unit, verdict)))
                .stream()
                .flatMap(Optional::stream)
                .toList();
    }

    private static List<Named> named(Decided decided) {
        return switch (decided.verdict()) {
            case Verdict.Aborted _ -> List.of();
            case Verdict.Committed(var refs) ->
                refs.entrySet().stream()
                        .map(ref -> new Named(decided.unit(), ref.getKey(), ref.getValue()))
                        .toList();
        };
    }

    private Read read(Named named) throws IOException {
        try {
            Manifest manifest = manifests.read(named.ref());
            boolean fits = manifest.unit().equals(named.unit())
                    && manifest.name().drive().equals(named.drive());
            return new Read(
                    named,
                    fits
                            ? new DriveBackup.Committed(named.ref(), manifest)
                            : new DriveBackup.Damaged("the decision of " + named.unit() + " names '"
                                    + named.ref().key() + "' for drive " + named.drive() + ", which is another's"));
        } catch (DamagedArchiveException e) {
            return new Read(named, new DriveBackup.Damaged(e.getMessage()));
        }
    }

    /** All objects below a prefix, page by page. */
    private List<ObjectSummary> all(String prefix) throws IOException {
        List<ObjectSummary> objects = new ArrayList<>();
        Optional<ObjectKey> after = Optional.empty();
        do {
            ObjectPage page = store.list(prefix, after);
            objects.addAll(page.objects());
            after = page.next();
        } while (after.isPresent());
        return objects;
    }
}
