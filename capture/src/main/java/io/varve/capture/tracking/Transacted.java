package io.varve.capture.tracking;

import java.util.List;

/** What became of a transaction. */
public sealed interface Transacted {
    /** All of it was carried out, durably. */
    record Done(List<StartedBackup> backups) implements Transacted {
        public Done {
            backups = List.copyOf(backups);
        }
    }

    /** No bitmap lost a bit, and no backup runs; the sentence says why. */
    record Refused(String description) implements Transacted {}
}
