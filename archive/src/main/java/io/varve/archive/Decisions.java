package io.varve.archive;

import io.varve.archive.store.ObjectKey;
import io.varve.archive.store.ObjectStore;
import io.varve.archive.store.PutResult;
import io.varve.core.commit.UnitId;
import io.varve.core.commit.Verdict;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.Set;

/**
 * The one place where units are committed or aborted: an object that's written once. Who loses the race obeys the
 * winner; that's normal. Safe for any thread.
 */
public final class Decisions {
    private final ObjectStore store;

    public Decisions(ObjectStore store) {
        this.store = store;
    }

    /**
     * Proposes a decision.
     *
     * @return what the unit's decision is: {@code proposal}, or what somebody wrote before
     * @throws IOException when it isn't known whether there is a decision now; ask again with {@link #find}
     */
    public Verdict decide(UnitId unit, Verdict proposal) throws IOException {
        check(unit, proposal);
        ObjectKey key = ObjectKeys.decision(unit);
        PutResult result = store.putIfAbsent(key, ByteBuffer.wrap(DecisionJson.write(unit, proposal)));
        return switch (result) {
            case PutResult.Created _ -> proposal;
            case PutResult.Exists _ ->
                find(unit)
                        .orElseThrow(() -> new DamagedArchiveException("the decision '" + key + "' in "
                                + store.describe() + " was there and is gone; decisions must never be deleted"));
        };
    }

    /** The unit's decision, or empty while it's undecided. */
    public Optional<Verdict> find(UnitId unit) throws IOException {
        ObjectKey key = ObjectKeys.decision(unit);
        Optional<byte[]> bytes = store.get(key, JsonFields.MAX_BYTES);
        return bytes.isEmpty() ? Optional.empty() : Optional.of(DecisionJson.read(key, unit, bytes.get()));
    }

    private static void check(UnitId unit, Verdict proposal) {
        if (proposal instanceof Verdict.Committed(var manifests)) {
            boolean fits = unit.drive()
                    .map(drive -> manifests.keySet().equals(Set.of(drive)))
                    .orElse(!manifests.isEmpty());
            if (!fits) {
                throw new IllegalArgumentException(
                        "unit " + unit + " can't be committed with the manifests of " + manifests.keySet());
            }
        }
    }
}
