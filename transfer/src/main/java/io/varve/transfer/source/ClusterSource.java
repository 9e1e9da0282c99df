package io.varve.transfer.source;

import io.varve.core.bits.Extent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** One drive at one point in time: whoever reads a range twice reads the same bytes. Safe for any thread. */
public interface ClusterSource extends AutoCloseable {
    long sizeBytes();

    /** What this is, for messages: a path or an address. */
    String describe();

    /**
     * Fills what remains of {@code into} from {@code offsetBytes}, within the size. Its position stays, and its content
     * belongs to the source until the future ends: with an {@link IOException} when it can't be filled wholly. The
     * future may end on a thread of the source that mustn't be blocked.
     */
    CompletableFuture<Void> read(long offsetBytes, ByteBuffer into);

    /** Parts of {@code range} that are known to be zeros without being read, ascending; none when nothing is known. */
    List<Extent> zeros(Extent range) throws IOException;

    @Override
    void close() throws IOException;
}
