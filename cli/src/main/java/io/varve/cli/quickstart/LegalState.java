package io.varve.cli.quickstart;

import io.varve.cli.quickstart.WriteHistory.Write;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Whether restored drives show one instant between a cut's request and its answer, by the histories of writers that
 * didn't pause:
 *
 * <ul>
 *   <li>of each writer's writes they hold the first k and no other: all that were acknowledged before the request, none
 *       that was begun after the answer;
 *   <li>if they lack a write that was acknowledged before another writer's began, they lack that one too.
 * </ul>
 */
final class LegalState {
    /** What the check found. */
    sealed interface Finding {
        /** How many writes fell between request and answer, and how many of these the drives hold. */
        record Legal(int during, int held) implements Finding {}

        record Illegal(String reason) implements Finding {}
    }

    private final long askedNanos;
    private final long answeredNanos;

    LegalState(long askedNanos, long answeredNanos) {
        this.askedNanos = askedNanos;
        this.answeredNanos = answeredNanos;
    }

    /**
     * Compares what was restored with the histories.
     *
     * @param restored the raw image of each drive
     */
    Finding check(List<WriteHistory> histories, Map<String, Path> restored) throws IOException {
        List<Integer> held = new ArrayList<>();
        int during = 0;
        int heldDuring = 0;
        for (WriteHistory history : histories) {
            Path raw = Objects.requireNonNull(restored.get(history.drive()));
            Optional<Integer> count = heldWrites(history, raw);
            if (count.isEmpty()) {
                return new Finding.Illegal("drive '" + history.drive() + "', blocks " + history.firstBlock() + " to "
                        + history.endBlock() + ": no first writes of its writer's make this state");
            }
            int before = history.ackedBefore(askedNanos);
            during += history.begunBefore(answeredNanos) - before;
            heldDuring += count.get() - before;
            held.add(count.get());
        }
        return disorder(histories, held).orElse(new Finding.Legal(during, heldDuring));
    }

    /** How many of the writer's first writes the image holds, if it holds nothing else. */
    private Optional<Integer> heldWrites(WriteHistory history, Path raw) throws IOException {
        int least = history.ackedBefore(askedNanos);
        int most = history.begunBefore(answeredNanos);
        DriveModel state = history.base().copy();
        history.writes().subList(0, least).forEach(w -> state.write(w.offsetBytes(), w.data()));
        BitSet touched = new BitSet();
        history.writes().subList(least, most).forEach(w -> touched.set(w.firstBlock(), w.endBlock()));
        try (FileChannel channel = FileChannel.open(raw, StandardOpenOption.READ)) {
            BitSet untouched = new BitSet();
            untouched.set(history.firstBlock(), history.endBlock());
            untouched.andNot(touched);
            if (!matches(state, channel, untouched)) {
                return Optional.empty();
            }
            for (int count = least; count <= most; count++) {
                if (matches(state, channel, touched)) {
                    return Optional.of(count);
                }
                if (count < most) {
                    Write next = history.writes().get(count);
                    state.write(next.offsetBytes(), next.data());
                }
            }
            return Optional.empty();
        }
    }

    private static boolean matches(DriveModel state, FileChannel raw, BitSet blocks) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(DriveModel.BLOCK_BYTES);
        for (int block = blocks.nextSetBit(0); block >= 0; block = blocks.nextSetBit(block + 1)) {
            DriveModel.readBlock(raw, block, bytes);
            if (!state.matches(block, bytes)) {
                return false;
            }
        }
        return true;
    }

    /** A write that is held although it was begun after one was acknowledged that isn't. */
    private static Optional<Finding> disorder(List<WriteHistory> histories, List<Integer> held) {
        for (int lacking = 0; lacking < histories.size(); lacking++) {
            List<Write> writes = histories.get(lacking).writes();
            if (held.get(lacking) == writes.size()) {
                continue;
            }
            Write lacked = writes.get(held.get(lacking));
            for (int holding = 0; holding < histories.size(); holding++) {
                int count = held.get(holding);
                if (count > 0
                        && lacked.ackedNanos()
                                        - histories
                                                .get(holding)
                                                .writes()
                                                .get(count - 1)
                                                .begunNanos()
                                < 0) {
                    return Optional.of(new Finding.Illegal("a write of drive '"
                            + histories.get(lacking).drive() + "' at offset " + lacked.offsetBytes()
                            + " is missing, but one of drive '"
                            + histories.get(holding).drive() + "' that was begun after it was acknowledged is there"));
                }
            }
        }
        return Optional.empty();
    }
}
