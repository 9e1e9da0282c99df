package io.varve.capture.tracking;

import io.varve.capture.activity.OpenMarks;
import io.varve.capture.journal.DurableFiles;
import io.varve.core.bits.HierarchicalBitSet;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The live sets of a drive that aren't durably sealed: that of the open generation, and during a cut the one before.
 * Their marks are made durable in files of the state directory, in place: sets only grow, so a page that a power cut
 * tears holds at least what it held before.
 *
 * <p>Thread: safe for any thread; {@link #opened} with the gate held, which it doesn't hold up.
 */
final class UnsealedMarks implements OpenMarks, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(UnsealedMarks.class);
    private static final int CHUNK_BYTES = 4096;
    private static final int CHUNK_WORDS = CHUNK_BYTES / Long.BYTES;

    private final KeptMarks kept;
    private final Map<LiveSet, FileChannel> files = new HashMap<>(); // Guarded by this.
    private volatile List<LiveSet> sets;

    UnsealedMarks(KeptMarks kept, LiveSet open) {
        this.kept = kept;
        this.sets = List.of(open);
    }

    /** A cut opens {@code next}; the set before stays until it's durably sealed. */
    void opened(LiveSet next) {
        List<LiveSet> more = new ArrayList<>(sets);
        more.add(next);
        sets = List.copyOf(more);
    }

    @Override
    public synchronized long makeDurable() throws IOException {
        long last = 0;
        for (LiveSet set : sets) {
            FileChannel file = files.get(set);
            if (file == null) {
                kept.keepOpen(set.header(), set.marks());
                files.put(set, channel(set));
            } else if (isUpdated(file, set.marks().bits())) {
                file.force(false);
            }
            last = Math.max(last, set.header().generation());
        }
        return last;
    }

    private FileChannel channel(LiveSet set) throws IOException {
        return FileChannel.open(
                kept.openFile(set.header().generation()), StandardOpenOption.READ, StandardOpenOption.WRITE);
    }

    /** Writes the chunks that changed. */
    private static boolean isUpdated(FileChannel file, HierarchicalBitSet bits) throws IOException {
        ByteBuffer now = ByteBuffer.allocate(CHUNK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer before = ByteBuffer.allocate(CHUNK_BYTES);
        boolean isUpdated = false;
        for (long bit = bits.nextSet(0); bit >= 0; ) {
            long firstWord = (bit >>> 6) / CHUNK_WORDS * CHUNK_WORDS;
            long endWord = Math.min(bits.wordCount(), firstWord + CHUNK_WORDS);
            now.clear();
            for (long word = firstWord; word < endWord; word++) {
                now.putLong(bits.word(word));
            }
            long positionBytes = MarkFileHeader.BYTES + firstWord * Long.BYTES;
            before.clear().limit(now.flip().limit());
            DurableFiles.readFully(file, before, positionBytes);
            if (!now.equals(before.flip())) {
                DurableFiles.writeFully(file, now, positionBytes);
                isUpdated = true;
            }
            long nextBit = endWord << 6;
            bit = nextBit >= bits.bitCount() ? -1 : bits.nextSet(nextBit);
        }
        return isUpdated;
    }

    /** The set is durably sealed, and may be deleted once this returns. */
    void sealed(LiveSet set) {
        forget(set);
        try {
            kept.dropOpen(set.header().generation());
        } catch (IOException e) {
            LOG.warn("the open marks of a sealed generation can't be removed now: {}", e.toString());
        }
    }

    /** The set isn't in use any more, and may be deleted once this returns; what is kept of it stays. */
    synchronized void forget(LiveSet set) {
        sets = sets.stream().filter(other -> !other.equals(set)).toList();
        close(files.remove(set));
    }

    private static void close(@org.jspecify.annotations.Nullable FileChannel file) {
        if (file != null) {
            try {
                file.close();
            } catch (IOException e) {
                LOG.debug("what is durable stays so: {}", e.toString());
            }
        }
    }

    @Override
    public synchronized void close() {
        files.values().forEach(UnsealedMarks::close);
        files.clear();
        sets = List.of();
    }
}
