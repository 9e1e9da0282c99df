package io.varve.capture.tracking;

import io.varve.core.bits.Marks;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.handover.Incoming;
import io.varve.core.id.IncarnationId;
import java.io.IOException;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * The marks that another agent still has of a drive which it handed over. What has come is in durable files, of which
 * each proves itself by its seal's digest; so a killed agent finds again how far it was.
 *
 * <p>Thread: the agent's control lock.
 */
final class IncomingMarks {
    private final AttachedDrive drive;
    private final SortedSet<Long> missing = new TreeSet<>();

    IncomingMarks(AttachedDrive drive) {
        this.drive = drive;
    }

    /** Finds out what is missing; if that's nothing, the hand-over is complete. */
    void look() throws IOException {
        if (isIncoming()) {
            missing.addAll(Incoming.of(drive.state(), this::isThere).missing());
            if (missing.isEmpty()) {
                complete();
            }
        }
    }

    boolean isIncoming() {
        return Incoming.isIncoming(drive.state());
    }

    /** Whose hand-over it is; nothing is compacted until its end. */
    IncarnationId handover() throws IOException {
        for (long control = drive.state().control(); control >= drive.log().firstControl(); control--) {
            Optional<LogRecord> record = drive.log().read(control);
            if (record.isPresent() && record.get().event() instanceof DriveEvent.DriveHandedOver) {
                return record.get().incarnation();
            }
        }
        throw new IOException("the journal of drive '" + drive.image().drive() + "' tells of no hand-over");
    }

    boolean isMissing(long generation) {
        return missing.contains(generation);
    }

    SortedSet<Long> missing() {
        return new TreeSet<>(missing);
    }

    /** Those of {@code generations} whose marks are there. */
    SortedSet<Long> present(SortedSet<Long> generations) {
        SortedSet<Long> present = new TreeSet<>(generations);
        present.removeAll(missing);
        return present;
    }

    /** @throws IOException in one sentence, when these aren't a missing generation's marks; nothing changed then */
    void take(long generation, Marks marks) throws IOException {
        if (!missing.contains(generation)) {
            return;
        }
        // I4
        Optional<String> objection = Incoming.objection(drive.state(), generation, marks);
        if (objection.isPresent()) {
            throw new IOException(objection.get());
        }
        drive.kept().drop(generation);
        MarkFileHeader open = drive.path().open().header();
        drive.kept()
                .keep(
                        new MarkFileHeader(
                                open.journal(),
                                open.incarnation(),
                                open.boot(),
                                generation,
                                marks.granularity(),
                                marks.sizeBytes()),
                        marks);
        missing.remove(generation);
    }

    /** @throws IOException when marks are missing */
    void complete() throws IOException {
        if (!missing.isEmpty()) {
            throw new IOException("drive '" + drive.image().drive() + "' still misses the marks of generations "
                    + missing + ": carry them, by 'varve handover', or give up what needs them");
        }
        drive.append(new Incoming(drive.state(), missing).completed());
    }

    void giveUp(String reason) throws IOException {
        var events = new Incoming(drive.state(), missing).givenUp(reason);
        if (!events.isEmpty()) {
            drive.append(events);
        }
        missing.clear();
    }

    private boolean isThere(long number) {
        try {
            return Incoming.objection(drive.state(), number, drive.kept().marks(number))
                    .isEmpty();
        } catch (IOException e) {
            // Not there, or not whole: it's carried again.
            return false;
        }
    }
}
