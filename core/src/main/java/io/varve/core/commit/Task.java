package io.varve.core.commit;

import io.varve.core.id.DriveId;
import java.util.SortedSet;

/** Work for a sink. Performing one twice is harmless: attempts share no object, and a decision is made once. */
public sealed interface Task {
    UnitId unit();

    /**
     * Copy a drive's cut into the archive and answer with its manifest.
     *
     * @param attempt 1, 2, 3 …
     */
    record Copy(Part part, int attempt) implements Task {
        @Override
        public UnitId unit() {
            return part.unit();
        }
    }

    /**
     * Write the unit's decision object, or obey the one that is there.
     *
     * @param drives the unit's, as far as they are known: their agents are told the decision
     */
    record Decide(UnitId unit, Verdict proposed, SortedSet<DriveId> drives) implements Task {}
}
