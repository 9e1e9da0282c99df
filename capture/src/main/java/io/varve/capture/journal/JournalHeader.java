package io.varve.capture.journal;

import io.varve.core.id.JournalId;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.UUID;

/**
 * The first bytes of a journal.
 *
 * <pre>
 *   0                  8                 24
 *   +------------------+-----------------+---
 *   | "VRVJNL" 0x00 01 | journal id      | frames
 *   +------------------+-----------------+---
 * </pre>
 */
final class JournalHeader {
    static final int BYTES = 24;
    private static final long MAGIC_VERSION_1 = 0x5652_564a_4e4c_0001L;

    private JournalHeader() {}

    static ByteBuffer encode(JournalId journal) {
        return ByteBuffer.allocate(BYTES)
                .putLong(MAGIC_VERSION_1)
                .putLong(journal.value().getMostSignificantBits())
                .putLong(journal.value().getLeastSignificantBits())
                .flip();
    }

    static Optional<JournalId> decode(ByteBuffer header) {
        return header.remaining() == BYTES && header.getLong() == MAGIC_VERSION_1
                ? Optional.of(new JournalId(new UUID(header.getLong(), header.getLong())))
                : Optional.empty();
    }
}
