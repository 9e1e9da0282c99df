package io.varve.sink.work;

import io.varve.archive.Manifest;
import io.varve.core.commit.ManifestRef;
import io.varve.core.commit.Outcome;
import io.varve.core.commit.Task;
import io.varve.core.commit.UnitId;
import io.varve.core.commit.Verdict;
import io.varve.core.drive.Anchor;
import io.varve.core.id.DriveId;
import io.varve.schemas.CatalogEntry;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeSet;

/** What is decided and told: pure, the shell is {@link DecideWork}. */
final class DecideRules {
    private DecideRules() {}

    /**
     * Why a unit can't be committed with these manifests, each of which is the one of its digest; empty when it can.
     */
    // I14
    static Optional<String> objection(UnitId unit, SortedMap<DriveId, Manifest> manifests) {
        if (manifests.isEmpty()) {
            return Optional.of("unit " + unit + " can't be committed without a manifest");
        }
        for (Map.Entry<DriveId, Manifest> entry : manifests.entrySet()) {
            Manifest manifest = entry.getValue();
            if (!manifest.unit().equals(unit) || !manifest.name().drive().equals(entry.getKey())) {
                return Optional.of("unit " + unit + " can't be committed: the manifest for drive " + entry.getKey()
                        + " is drive " + manifest.name().drive() + "'s of unit " + manifest.unit());
            }
            Set<DriveId> expected = unit.drive()
                    .<Set<DriveId>>map(Set::of)
                    .orElse(manifest.membership().participants());
            if (!manifests.keySet().equals(expected)) {
                return Optional.of("unit " + unit + " can't be committed: there are manifests of " + manifests.keySet()
                        + "; expected those of " + expected);
            }
        }
        return Optional.empty();
    }

    /** Tells all drives that are known to take part. */
    static List<Outcome> told(Task.Decide task, Verdict verdict) {
        SortedSet<DriveId> drives = new TreeSet<>(task.drives());
        if (verdict instanceof Verdict.Committed(SortedMap<DriveId, ManifestRef> manifests)) {
            drives.addAll(manifests.keySet());
        }
        List<Outcome> outcomes = new ArrayList<>();
        drives.forEach(drive -> outcomes.add(new Outcome.Decided(task.unit(), drive, verdict)));
        return outcomes;
    }

    static CatalogEntry entry(ManifestRef ref, Manifest manifest) {
        Anchor anchor = new Anchor(
                manifest.membership().syncPoint(),
                manifest.name().chain(),
                manifest.name().sequence(),
                ref.key(),
                ref.sha256());
        return new CatalogEntry(manifest.name().drive(), anchor, manifest.data().lengthBytes());
    }
}
