package io.varve.sink.work;

import io.varve.archive.DamagedArchiveException;
import io.varve.archive.Manifest;
import io.varve.archive.store.ObjectKey;
import io.varve.core.commit.ManifestRef;
import io.varve.core.commit.Outcome;
import io.varve.core.commit.Task;
import io.varve.core.commit.Verdict;
import io.varve.core.id.DriveId;
import io.varve.schemas.CatalogEntry;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes a unit's decision, or obeys the one that is there. Thread: as {@link TaskWork}. */
final class DecideWork implements TaskWork {
    private static final Logger LOG = LoggerFactory.getLogger(DecideWork.class);
    private static final int TRIES = 5;
    private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);

    private final Task.Decide task;
    private final Workbench bench;
    private volatile boolean cancelled;

    DecideWork(Task.Decide task, Workbench bench) {
        this.task = task;
        this.bench = bench;
    }

    @Override
    public Optional<Answers> perform() throws InterruptedException {
        LOG.info("unit {}: decision begins, proposed is {}", task.unit(), word(task.proposed()));
        for (int number = 0; number < TRIES && !cancelled; number++) {
            try {
                Verdict verdict = decide();
                LOG.info("unit {}: decided, {}", task.unit(), word(verdict));
                return Optional.of(new Answers(DecideRules.told(task, verdict), entries(verdict)));
            } catch (IOException e) {
                LOG.warn("unit {}: not decided, which is tried again: {}", task.unit(), e.getMessage());
                // Also after the last one: a task that's given back comes again at once.
                bench.stop().pause(FIRST_PAUSE.multipliedBy(1L << number));
            }
        }
        return Optional.empty();
    }

    private static String word(Verdict verdict) {
        return switch (verdict) {
            case Verdict.Committed(var manifests) -> "committed with drives " + manifests.keySet();
            case Verdict.Aborted(String reason) -> "aborted: " + reason;
        };
    }

    private Verdict decide() throws IOException {
        Optional<Verdict> known = bench.decisions().find(task.unit());
        return known.isPresent() ? known.get() : bench.decisions().decide(task.unit(), proposal());
    }

    /** What is asked for, unless it would name a manifest that isn't there: that unit can only be aborted. */
    private Verdict proposal() throws IOException {
        return switch (task.proposed()) {
            case Verdict.Aborted aborted -> aborted;
            case Verdict.Committed committed -> {
                Optional<String> objection = objection(committed);
                yield objection.isPresent() ? new Verdict.Aborted(objection.get()) : committed;
            }
        };
    }

    private Optional<String> objection(Verdict.Committed committed) throws IOException {
        try {
            SortedMap<DriveId, Manifest> manifests = new TreeMap<>();
            for (Map.Entry<DriveId, ManifestRef> named : committed.manifests().entrySet()) {
                if (!ObjectKey.isValid(named.getValue().key())) {
                    return Optional.of("unit " + task.unit() + " can't be committed: its manifest '"
                            + named.getValue().key() + "' is no object's key");
                }
                manifests.put(named.getKey(), bench.manifests().read(named.getValue()));
            }
            return DecideRules.objection(task.unit(), manifests);
        } catch (DamagedArchiveException e) {
            return Optional.of("unit " + task.unit() + " can't be committed: " + e.getMessage());
        }
    }

    /** The catalog is a cache: what can't be read for it is left out. */
    private List<CatalogEntry> entries(Verdict verdict) throws IOException {
        List<CatalogEntry> entries = new ArrayList<>();
        if (verdict instanceof Verdict.Committed(SortedMap<DriveId, ManifestRef> manifests)) {
            for (ManifestRef ref : manifests.values()) {
                try {
                    entries.add(DecideRules.entry(ref, bench.manifests().read(ref)));
                } catch (DamagedArchiveException e) {
                    LOG.warn("unit {}: left out of the catalog: {}", task.unit(), e.getMessage());
                }
            }
        }
        return entries;
    }

    @Override
    public void cancel() {
        cancelled = true;
    }

    @Override
    public Optional<Outcome.Progress> progress() {
        return Optional.empty();
    }
}
