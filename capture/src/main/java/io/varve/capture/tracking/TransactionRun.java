package io.varve.capture.tracking;

import io.varve.core.bits.Marks;
import io.varve.core.cut.Hold;
import io.varve.core.id.DriveId;
import io.varve.core.transaction.DrivePlan;
import io.varve.core.transaction.DrivePlan.PlannedImport;
import io.varve.core.transaction.Plan;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Carries a plan out on all of its drives: at one instant, durably, or not at all. Thread: the agent's control lock.
 */
final class TransactionRun {
    private final Drives drives;
    private final AgentMeans means;
    private final List<DriveTransaction> parts = new ArrayList<>();

    TransactionRun(Drives drives, AgentMeans means) {
        this.drives = drives;
        this.means = means;
    }

    /** Finds drives. */
    interface Drives {
        AttachedDrive get(DriveId drive) throws IOException;
    }

    /** The marks of imports that the planner knows nothing of. */
    interface GivenMarks {
        Marks of(PlannedImport planned) throws IOException;
    }

    /** Carries out a plan without such imports. */
    Transacted run(Plan.Planned plan) {
        return run(plan, planned -> {
            throw new IllegalStateException("marks that nobody gives: " + planned);
        });
    }

    /** Carries out a plan, or nothing of it when the means are lacking. */
    Transacted run(Plan.Planned plan, GivenMarks given) {
        try {
            for (DrivePlan part : plan.drives()) {
                parts.add(DriveTransaction.prepare(drives.get(part.drive()), part, means));
            }
            if (cut() instanceof Hold.GivenUp(String reason)) {
                return undone(reason);
            }
            for (DriveTransaction part : parts) {
                part.keep();
            }
            for (PlannedImport planned : plan.imports()) {
                part(planned.drive()).take(planned, marks(planned, given));
            }
            for (DriveTransaction part : parts) {
                part.count();
            }
            for (DriveTransaction part : parts) {
                part.record();
            }
        } catch (IOException e) {
            return undone(String.valueOf(e.getMessage()));
        } catch (RuntimeException | Error e) {
            // Guests mark the next generation already: a bug must not leave it without a seal before it.
            var _ = undone(e.toString());
            throw e;
        }
        parts.forEach(DriveTransaction::complete);
        return new Transacted.Done(
                parts.stream().flatMap(p -> p.started().stream()).toList());
    }

    private Hold cut() {
        SortedMap<DriveId, Gate> gates = new TreeMap<>();
        parts.forEach(p -> gates.put(p.drive().image().drive(), p.drive().path().gate()));
        return new GroupHold(gates, means.surroundings().nanos()).run(() -> parts.forEach(DriveTransaction::cut));
    }

    private DriveTransaction part(DriveId drive) {
        return parts.stream()
                .filter(part -> part.drive().image().drive().equals(drive))
                .findFirst()
                .orElseThrow();
    }

    /** All that an import is made of is kept by now: the planner seals the drives that it's from, too. */
    private Marks marks(PlannedImport planned, GivenMarks given) throws IOException {
        return switch (planned.content()) {
            case PlannedImport.Given _ -> given.of(planned);
            case PlannedImport.OfDrive(DriveId drive, var generations, var granularity) -> {
                AttachedDrive source = part(drive).drive();
                yield source.kept()
                        .union(generations, granularity, source.path().open().header());
            }
        };
    }

    private Transacted undone(String reason) {
        List<String> failures = new ArrayList<>();
        for (DriveTransaction part : parts) {
            try {
                part.undo(reason);
            } catch (IOException e) {
                failures.add(String.valueOf(e.getMessage()));
            }
        }
        return new Transacted.Refused(failures.isEmpty() ? reason : reason + "; and then: " + failures);
    }
}
