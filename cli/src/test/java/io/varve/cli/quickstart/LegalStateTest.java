package io.varve.cli.quickstart;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.cli.quickstart.LegalState.Finding;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two writers of two drives; the cut is asked for at 100 and answered at 200. */
class LegalStateTest {
    private static final int BLOCKS = 4;

    @TempDir
    Path folder;

    private final WriteHistory left = history("left");
    private final WriteHistory right = history("right");

    private static WriteHistory history(String drive) {
        return WriteHistory.begin(drive, DriveModel.ofZeros((long) BLOCKS * DriveModel.BLOCK_BYTES), 0, BLOCKS);
    }

    @Test
    void shouldTakeAnyPrefixBetweenRequestAndAnswer() throws Exception {
        write(left, 0, 10, 20);
        write(left, 1, 110, 120);
        write(left, 2, 130, 140);
        write(right, 0, 150, 160);

        for (int held = 1; held <= 3; held++) {
            Finding.Legal legal = assertInstanceOf(Finding.Legal.class, check(held, 0));
            assertEquals(3, legal.during());
            assertEquals(held - 1, legal.held());
        }
    }

    @Test
    void shouldRefuseAStateWithoutAWriteThatWasAcknowledgedBefore() throws Exception {
        write(left, 0, 10, 20);
        write(left, 1, 30, 40);

        assertIllegal(check(1, 0), "no first writes");
    }

    @Test
    void shouldRefuseAStateWithAWriteThatWasBegunAfterwards() throws Exception {
        write(left, 0, 210, 220);

        assertIllegal(check(1, 0), "no first writes");
    }

    @Test
    void shouldRefuseATornWrite() throws Exception {
        write(left, 0, 110, 120);
        image(left, 1);
        image(right, 0);
        try (FileChannel torn = FileChannel.open(raw("left"), StandardOpenOption.WRITE)) {
            torn.write(ByteBuffer.allocate(512), 1024);
        }

        assertIllegal(check(), "no first writes");
    }

    @Test
    void shouldRefuseAStateThatHoldsTheLaterAndLacksTheEarlierOfTwoDrives() throws Exception {
        write(left, 0, 110, 120);
        write(right, 0, 130, 140);

        assertIllegal(check(0, 1), "is missing, but one of drive 'right'");
        assertInstanceOf(Finding.Legal.class, check(1, 0));
    }

    private static void write(WriteHistory history, int block, long begunNanos, long ackedNanos) {
        byte[] data = new byte[4096];
        Arrays.fill(data, (byte) (1 + history.writes().size()));
        history.add(new WriteHistory.Write(
                (long) block * DriveModel.BLOCK_BYTES + 512, ByteBuffer.wrap(data), begunNanos, ackedNanos));
    }

    private Finding check(int heldLeft, int heldRight) throws IOException {
        image(left, heldLeft);
        image(right, heldRight);
        return check();
    }

    private Finding check() throws IOException {
        return new LegalState(100, 200).check(List.of(left, right), Map.of("left", raw("left"), "right", raw("right")));
    }

    private void image(WriteHistory history, int held) throws IOException {
        ByteBuffer content = ByteBuffer.allocate(BLOCKS * DriveModel.BLOCK_BYTES);
        for (WriteHistory.Write write : history.writes().subList(0, held)) {
            content.put((int) write.offsetBytes(), write.data().array());
        }
        Files.write(raw(history.drive()), content.array());
    }

    private Path raw(String drive) {
        return folder.resolve(drive + ".raw");
    }

    private static void assertIllegal(Finding finding, String reason) {
        String said = assertInstanceOf(Finding.Illegal.class, finding).reason();
        assertTrue(said.contains(reason), said);
    }
}
