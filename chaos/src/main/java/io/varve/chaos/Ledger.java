package io.varve.chaos;

import io.varve.chaos.Cut.Ending;
import io.varve.chaos.SyncPointProof.Archived;
import io.varve.chaos.WriterHistory.View;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/** All that was asked for, against all that the archive has. Thread: its owner's only. */
final class Ledger {
    private final ChaosStack chaos;
    private final EventLog events;
    /** Since the last proof. */
    private final List<Cut> cuts = new ArrayList<>();

    private final Set<String> proven = new HashSet<>();
    private int syncPoints;
    private int drives;
    private int incremental;

    Ledger(ChaosStack chaos) {
        this.chaos = chaos;
        this.events = chaos.events();
    }

    /**
     * A sync point of a time at which fio had filled its part.
     *
     * @param seed that it filled it from
     */
    record Filled(String syncPoint, long seed) {}

    void add(List<Cut> taken) {
        cuts.addAll(taken);
    }

    int syncPoints() {
        return syncPoints;
    }

    int drives() {
        return drives;
    }

    int incremental() {
        return incremental;
    }

    /**
     * Restores every sync point that came since the last proof, once a backup of all drives was committed: by then all
     * earlier ones are decided.
     */
    void prove(SyncPointProof proof, Optional<Filled> filled)
            throws IOException, InterruptedException, RoundFailedException {
        List<View> histories = chaos.histories();
        Set<String> ids = proof.decided();
        ids.removeAll(proven);
        for (Cut cut : cuts) {
            cut.syncPoint().ifPresent(ids::add);
        }
        for (String id : ids) {
            Optional<Archived> archived = proof.archived(id);
            checkPromise(id, archived);
            if (archived.isPresent()) {
                prove(proof, id, archived.get(), histories, filled);
                proven.add(id);
            }
        }
        long since = cuts.stream().mapToLong(Cut::askedNanos).max().orElse(Long.MIN_VALUE);
        chaos.writers().forEach(writer -> writer.history().forgetBefore(since));
        cuts.clear();
    }

    /** What the agent said of it must be so. */
    private void checkPromise(String id, Optional<Archived> archived) throws RoundFailedException {
        boolean isPromised = cuts.stream().anyMatch(cut -> cut.ending().equals(new Ending.Committed(id)));
        if (isPromised && archived.filter(one -> !one.drives().isEmpty()).isEmpty()) {
            throw new RoundFailedException("sync point " + id + " was told to be committed, but the archive has "
                    + archived.map(Archived::state).orElse("no decision of it"));
        }
        if (archived.filter(one -> !one.isDecided()).isPresent()) {
            throw new RoundFailedException(
                    "sync point " + id + " is open, though a later one of all drives is committed: "
                            + archived.get().state());
        }
    }

    private void prove(
            SyncPointProof proof, String id, Archived archived, List<View> histories, Optional<Filled> filled)
            throws IOException, InterruptedException, RoundFailedException {
        if (archived.drives().isEmpty()) {
            return;
        }
        List<Cut> possible = possible(id);
        checkFull(id, archived, possible);
        Map<String, Path> restored = proof.restore(id, archived);
        Optional<String> objection = SyncPointProof.objection(possible, histories, restored);
        if (objection.isEmpty()
                && filled.filter(one -> one.syncPoint().equals(id)).isPresent()) {
            Path raw = Objects.requireNonNull(restored.get(FioGuest.DRIVE));
            objection = chaos.fio().objection(raw, filled.get().seed());
        }
        if (objection.isPresent()) {
            throw new RoundFailedException("sync point " + id + " shows no legal state: " + objection.get()
                    + "; it's restored in " + restored);
        }
        proof.delete(restored);
        syncPoints++;
        drives += restored.size();
        incremental +=
                (int) archived.drives().values().stream().filter(full -> !full).count();
        events.note("sync point " + id + " is right: " + archived.drives());
    }

    /** The cuts that it can be. */
    private List<Cut> possible(String id) {
        List<Cut> known = cuts.stream()
                .filter(cut -> cut.syncPoint().filter(id::equals).isPresent())
                .toList();
        return known.isEmpty() ? cuts.stream().filter(Cut::isNameless).toList() : known;
    }

    /** The death of a process costs no full backup. */
    private static void checkFull(String id, Archived archived, List<Cut> possible) throws RoundFailedException {
        boolean isAsked = possible.stream().anyMatch(cut -> cut.request().full());
        if (!isAsked && archived.drives().containsValue(true)) {
            throw new RoundFailedException(
                    "sync point " + id + " has full backups that nobody asked for: " + archived.drives());
        }
    }
}
