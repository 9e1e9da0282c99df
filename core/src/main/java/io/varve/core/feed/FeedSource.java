package io.varve.core.feed;

import io.varve.core.bits.Marks;
import io.varve.core.drive.DriveState;
import io.varve.core.event.LogRecord;
import io.varve.core.id.IncarnationId;
import java.util.Optional;

/**
 * The drive that a {@link Feed} publishes.
 *
 * @param <X> what reading or writing its files may throw
 */
public interface FeedSource<X extends Exception> {
    DriveState state();

    /** That of the agent that is attached now. */
    IncarnationId incarnation();

    /** The control number of the first record that the journal still holds. */
    long firstControl();

    /** A record of the journal. */
    LogRecord record(long control) throws X;

    /** A retained generation's marks; empty when they can't be had and nobody {@link Feed#isWanted wants} them. */
    Optional<Marks> marks(long generation) throws X;

    /** Whether a generation's marks are on their way from another agent. */
    boolean isMissing(long generation);

    /** The control number up to which the broker has the journal; it may be too low. */
    long acknowledged();

    void acknowledge(long control) throws X;

    /** Writes of guests so far. */
    long writes();

    /** Bytes in these writes. */
    long writtenBytes();
}
