package io.varve.archive;

import io.varve.archive.store.ObjectKey;
import io.varve.archive.store.ObjectStore;
import io.varve.archive.store.PutResult;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;

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
    public Decision decide(DecisionUnit unit, Decision proposal) throws IOException {
        if (unit instanceof DecisionUnit.Single single
                && proposal instanceof Decision.Committed committed
                && !(committed.manifests().size() == 1 && committed.manifests().containsKey(single.drive()))) {
            throw new IllegalArgumentException("the decision of drive " + single.drive() + " names the manifests of "
                    + committed.manifests().keySet());
        }
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
    public Optional<Decision> find(DecisionUnit unit) throws IOException {
        ObjectKey key = ObjectKeys.decision(unit);
        Optional<byte[]> bytes = store.get(key, JsonFields.MAX_BYTES);
        return bytes.isEmpty() ? Optional.empty() : Optional.of(DecisionJson.read(key, unit, bytes.get()));
    }
}
