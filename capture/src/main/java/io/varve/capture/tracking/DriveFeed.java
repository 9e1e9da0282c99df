package io.varve.capture.tracking;

import io.varve.core.bits.Marks;
import io.varve.core.drive.DriveState;
import io.varve.core.event.LogRecord;
import io.varve.core.feed.Feed;
import io.varve.core.feed.FeedBatch;
import io.varve.core.feed.FeedSource;
import io.varve.core.id.IncarnationId;
import java.io.IOException;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.Lock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A drive's {@link Feed} for the publisher: a shell that takes the agent's control lock.
 *
 * <p>Thread: safe for any thread; waits for the agent's control lock.
 */
public final class DriveFeed {
    private static final Logger LOG = LoggerFactory.getLogger(DriveFeed.class);

    private final Lock control;
    private final Runnable changed;
    private final AttachedDrive drive;
    private final Feed<IOException> feed;

    DriveFeed(Lock control, Runnable changed, AttachedDrive drive, AcknowledgedControl acknowledged) {
        this.control = control;
        this.changed = changed;
        this.drive = drive;
        this.feed = new Feed<>(new Source(drive, acknowledged));
    }

    /** What to publish next; empty while there's nothing, or what is next may not be published yet. */
    public Optional<FeedBatch> next() throws IOException {
        control.lock();
        try {
            return feed.next();
        } finally {
            control.unlock();
        }
    }

    /** The number of the control event that is to be published next, which may not exist yet. */
    public long nextControl() {
        control.lock();
        try {
            return feed.nextControl();
        } finally {
            control.unlock();
        }
    }

    /** How many control events the broker doesn't have, as far as is known. */
    public long waitingControls() {
        control.lock();
        try {
            return feed.waitingControls();
        } finally {
            control.unlock();
        }
    }

    /** The broker has all of {@code batch}; as {@link Feed#acknowledge}. */
    public void acknowledge(FeedBatch batch) throws IOException {
        control.lock();
        try {
            if (feed.acknowledge(batch) && batch.isControl()) {
                drive.tidy();
            }
        } finally {
            control.unlock();
        }
    }

    /** As {@link Feed#republishFrom}. */
    public void republishFrom(long controlNumber) throws IOException {
        control.lock();
        try {
            feed.republishFrom(controlNumber);
        } finally {
            control.unlock();
        }
        changed.run();
    }

    /** As {@link Feed#republish}. */
    public void republish(long fromControl, Set<Long> generations) throws IOException {
        control.lock();
        try {
            feed.republish(fromControl, generations);
        } finally {
            control.unlock();
        }
        changed.run();
    }

    /** As {@link Feed#isWanting}, of all of them. */
    boolean areWanting(Set<Long> generations, long atControl) {
        control.lock();
        try {
            return generations.stream().allMatch(generation -> feed.isWanting(generation, atControl));
        } finally {
            control.unlock();
        }
    }

    /** The markers among these control events wait until {@link #releaseMarkers}; under the control lock. */
    void holdMarkers(long fromControl, long toControl) {
        feed.holdMarkers(fromControl, toControl);
    }

    void releaseMarkers(long fromControl) {
        control.lock();
        try {
            feed.releaseMarkers(fromControl);
        } finally {
            control.unlock();
        }
        changed.run();
    }

    /** All retained marks count as unpublished; under the control lock. */
    void resendAll() {
        feed.resendAll();
    }

    /** {@code into} holds the marks of {@code merged}, too; under the control lock. */
    void coalesced(Set<Long> merged, long into) {
        feed.coalesced(merged, into);
    }

    /** The generation is gone; under the control lock. */
    void forget(long generation) {
        feed.forget(generation);
    }

    /** Nothing is given any more; under the control lock. */
    void close() {
        feed.close();
    }

    /** The drive as its feed sees it. */
    private record Source(AttachedDrive drive, AcknowledgedControl broker) implements FeedSource<IOException> {
        @Override
        public DriveState state() {
            return drive.state();
        }

        @Override
        public IncarnationId incarnation() {
            return drive.log().incarnation();
        }

        @Override
        public long firstControl() {
            return drive.log().firstControl();
        }

        @Override
        public LogRecord record(long control) throws IOException {
            return drive.log()
                    .read(control)
                    .orElseThrow(() -> new IOException("the journal of drive '"
                            + drive.image().drive() + "' doesn't hold its control event " + control));
        }

        /** A drive with a lost file that nobody wants would be silent for ever else. */
        @Override
        public Optional<Marks> marks(long generation) throws IOException {
            try {
                return Optional.of(drive.marks(generation));
            } catch (IOException e) {
                if (Feed.isWanted(drive.state(), generation)) {
                    throw e;
                }
                LOG.warn(
                        "drive '{}': the marks of generation {}, of inconsistent bitmaps alone, are left out: {}",
                        drive.image().drive(),
                        generation,
                        e.toString());
                return Optional.empty();
            }
        }

        @Override
        public boolean isMissing(long generation) {
            return drive.incoming().isMissing(generation);
        }

        @Override
        public long acknowledged() {
            return broker.control();
        }

        @Override
        public void acknowledge(long control) throws IOException {
            broker.set(control);
        }

        @Override
        public long writes() {
            return drive.path().writes();
        }

        @Override
        public long writtenBytes() {
            return drive.path().writtenBytes();
        }
    }
}
