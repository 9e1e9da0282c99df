package io.varve.capture.tracking;

import io.varve.capture.journal.DurableFiles;
import io.varve.core.bits.Extent;
import io.varve.core.cut.LostWrites;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.zip.CRC32C;

/**
 * Where a drive's {@link LostWrites} outlive the agent and its host (reliability.md section 6, rule 19). There's no
 * file while there are none. All numbers are big-endian.
 *
 * <pre>
 *   0                             8               12                 16
 *   +-----------------------------+---------------+------------------+-------------------------------------+
 *   | "VRVLST" 0x00 0x01          | CRC-32C of    | count            | count times:                        |
 *   |                             | what follows  |                  | [8 offset, bytes][8 length, bytes]  |
 *   +-----------------------------+---------------+------------------+-------------------------------------+
 * </pre>
 *
 * <p>Thread: safe for any thread.
 */
final class LostWritesFile implements LostWritesKeeper {
    static final String NAME = "lost-writes";

    private static final long MAGIC_VERSION_1 = 0x5652_564c_5354_0001L;
    private static final int CHECKED_FROM = 12;
    private static final int HEAD_BYTES = 16;
    private static final int EXTENT_BYTES = 2 * Long.BYTES;

    private final Path directory;
    private List<Extent> kept; // Guarded by this, as what follows.
    private boolean hasEnded;

    private LostWritesFile(Path directory, List<Extent> kept) {
        this.directory = directory;
        this.kept = List.copyOf(kept);
    }

    /** A file of just {@code lost}, durably, in the place of any that is there; none for none. */
    static LostWritesFile of(Path directory, List<Extent> lost) throws IOException {
        LostWritesFile file = new LostWritesFile(directory, List.of());
        if (lost.isEmpty()) {
            Files.deleteIfExists(directory.resolve(NAME));
        } else {
            file.keep(() -> lost);
        }
        return file;
    }

    /**
     * What the file in {@code directory} holds, which may be nothing.
     *
     * @throws IOException in one sentence, when it can't be read
     */
    static List<Extent> read(Path directory) throws IOException {
        Path file = directory.resolve(NAME);
        if (!Files.exists(file)) {
            return List.of();
        }
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file));
        boolean isWhole = bytes.remaining() >= HEAD_BYTES
                && bytes.getLong(0) == MAGIC_VERSION_1
                && bytes.getInt(Long.BYTES) == checksum(bytes)
                && bytes.remaining() == HEAD_BYTES + (long) EXTENT_BYTES * bytes.getInt(CHECKED_FROM);
        if (!isWhole) {
            throw new IOException(
                    "'" + file + "' doesn't hold the writes of unknown outcome that were kept in it: move "
                            + "the drive's state away, and take a full backup");
        }
        bytes.position(HEAD_BYTES);
        List<Extent> writes = new ArrayList<>();
        while (bytes.hasRemaining()) {
            writes.add(new Extent(bytes.getLong(), bytes.getLong()));
        }
        return writes;
    }

    @Override
    public synchronized void keep(Supplier<List<Extent>> lost) throws IOException {
        List<Extent> writes = hasEnded ? kept : lost.get();
        if (writes.equals(kept)) {
            return;
        }
        ByteBuffer bytes = ByteBuffer.allocate(HEAD_BYTES + writes.size() * EXTENT_BYTES);
        bytes.putLong(MAGIC_VERSION_1).putInt(0).putInt(writes.size());
        writes.forEach(write -> bytes.putLong(write.offsetBytes()).putLong(write.lengthBytes()));
        bytes.flip().putInt(Long.BYTES, checksum(bytes));
        DurableFiles.replace(directory.resolve(NAME), channel -> DurableFiles.writeFully(channel, bytes, 0));
        kept = List.copyOf(writes);
    }

    private static int checksum(ByteBuffer bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes.slice(CHECKED_FROM, bytes.limit() - CHECKED_FROM));
        return (int) crc.getValue();
    }

    @Override
    public synchronized List<Extent> kept() {
        return kept;
    }

    /** The drive isn't this run's any more, which keeps nothing from now on: its table tells of what is in flight. */
    synchronized void close() {
        hasEnded = true;
    }

    /** The drive was detached in order: nothing is kept any more. */
    synchronized void end() throws IOException {
        hasEnded = true;
        Files.deleteIfExists(directory.resolve(NAME));
    }
}
