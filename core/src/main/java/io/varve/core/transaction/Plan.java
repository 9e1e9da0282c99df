package io.varve.core.transaction;

import io.varve.core.transaction.DrivePlan.PlannedImport;
import java.util.Comparator;
import java.util.List;

/** What becomes of a transaction. */
public sealed interface Plan {
    /**
     * It can be carried out.
     *
     * @param drives in ascending order of drive id: the order in which their gates are taken
     */
    record Planned(List<DrivePlan> drives) implements Plan {
        public Planned {
            drives = List.copyOf(drives);
        }

        /** The imports of all drives in the order in which their marks are found: one may hold what another did. */
        public List<PlannedImport> imports() {
            return drives.stream()
                    .flatMap(drive -> drive.imports().stream())
                    .sorted(Comparator.comparingInt(PlannedImport::order))
                    .toList();
        }
    }

    /** It can't, and nothing was changed; the description is QEMU 7.2's where QEMU refuses it, too. */
    record Refused(String description) implements Plan {}
}
