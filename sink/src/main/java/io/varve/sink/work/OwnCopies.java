package io.varve.sink.work;

import io.varve.core.commit.Outcome;
import io.varve.core.commit.Part;
import io.varve.core.commit.UnitId;
import io.varve.core.id.DriveId;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The latest copies of this process. A task that nobody answered for long lies in the queue many times: all but the
 * first are answered with what that came to, else each would copy the drive again, and leave objects that nobody names.
 *
 * <p>Safe for any thread.
 */
// I10
public final class OwnCopies {
    private static final int COPIES_MAX = 256;

    private final Map<Place, Outcome.Copied> copies = new LinkedHashMap<>();

    private record Place(UnitId unit, DriveId drive) {}

    synchronized void done(Outcome.Copied copied) {
        copies.put(new Place(copied.unit(), copied.drive()), copied);
        if (copies.size() > COPIES_MAX) {
            copies.remove(copies.keySet().iterator().next());
        }
    }

    synchronized Optional<Outcome.Copied> of(Part part) {
        return Optional.ofNullable(copies.get(new Place(part.unit(), part.drive())));
    }
}
