package io.varve.core.transaction;

import io.varve.core.id.SyncPointId;

/** What all drafts of a transaction share. */
final class DraftMeans {
    private final SyncPointId syncPoint;
    private final NodeRules rules;
    private final BitmapChecks checks;
    private int imports;

    DraftMeans(SyncPointId syncPoint, NodeRules rules) {
        this.syncPoint = syncPoint;
        this.rules = rules;
        this.checks = new BitmapChecks(rules);
    }

    SyncPointId syncPoint() {
        return syncPoint;
    }

    NodeRules rules() {
        return rules;
    }

    BitmapChecks checks() {
        return checks;
    }

    /** The place of the next import among all of the transaction. */
    int nextImport() {
        return imports++;
    }
}
