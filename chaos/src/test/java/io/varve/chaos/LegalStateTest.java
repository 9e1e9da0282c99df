package io.varve.chaos;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.chaos.RecordedWrite.Outcome;
import io.varve.chaos.WriterHistory.View;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The judge of all rounds: what it lets pass, and what it must not. */
class LegalStateTest {
    private static final int SECTORS = 8;
    private static final Territory FIRST = new Territory("drive0", 0, 0, SECTORS, new SectorContent(1));
    private static final Territory SECOND = new Territory("drive1", 0, 0, SECTORS, new SectorContent(2));

    /** The cut of all these tests was asked for at 100 and answered at 200. */
    private static final LegalState CUT = new LegalState(100, 200);

    @TempDir
    Path folder;

    @Test
    void shouldFindEachNumberOfFirstWritesThatTheCutAllows() throws Exception {
        View history = history(FIRST, acknowledged(1, 0, 50), acknowledged(2, 2, 150), acknowledged(3, 4, 250));

        assertEquals(Optional.empty(), objection(history, 1, 1, 0, 0, 0, 0, 0, 0));
        assertEquals(Optional.empty(), objection(history, 1, 1, 2, 2, 0, 0, 0, 0));
        // The third was begun at 240.
        assertTrue(objection(history, 1, 1, 2, 2, 3, 3, 0, 0).isPresent());
    }

    @Test
    void shouldMissAWriteThatHadEndedBefore() throws Exception {
        View history = history(FIRST, acknowledged(1, 0, 50), acknowledged(2, 2, 60));

        assertTrue(objection(history, 1, 1, 0, 0, 0, 0, 0, 0).orElseThrow().contains("drive0/0: sector 2"));
    }

    @Test
    void shouldMissASectorOfAWriteThatALaterOneProves() throws Exception {
        View history = history(FIRST, acknowledged(1, 0, 120), acknowledged(2, 2, 140));

        assertTrue(objection(history, 1, 0, 2, 2, 0, 0, 0, 0).isPresent());
    }

    @Test
    void shouldLetSectorsOfAWriteInFlightBeOldOrNew() throws Exception {
        View history = history(FIRST, acknowledged(1, 0, 50), acknowledged(2, 0, 150));

        assertEquals(Optional.empty(), objection(history, 2, 1, 0, 0, 0, 0, 0, 0));
    }

    @Test
    void shouldSeeContentThatNobodyWrote() throws Exception {
        View history = history(FIRST, acknowledged(1, 0, 50));

        assertTrue(objection(history, 1, 7, 0, 0, 0, 0, 0, 0).isPresent());
    }

    @Test
    void shouldHoldAWriteWithoutAReplyToWhatWasReadLater() throws Exception {
        BitSet made = new BitSet();
        made.set(0);
        RecordedWrite lost = write(2, 0, 40, new Outcome.Read(90, made));
        View history = history(FIRST, acknowledged(1, 0, 30), lost);

        assertEquals(Optional.empty(), objection(history, 2, 1, 0, 0, 0, 0, 0, 0));
        assertTrue(objection(history, 1, 1, 0, 0, 0, 0, 0, 0).isPresent());
        assertTrue(objection(history, 2, 2, 0, 0, 0, 0, 0, 0).isPresent());
    }

    @Test
    void shouldLetAWriteThatIsStillWithoutAReplyBeOldOrNew() throws Exception {
        View history = history(FIRST, acknowledged(1, 0, 30), write(2, 0, 40, new Outcome.Unknown()));

        assertEquals(Optional.empty(), objection(history, 1, 1, 0, 0, 0, 0, 0, 0));
        assertEquals(Optional.empty(), objection(history, 1, 2, 0, 0, 0, 0, 0, 0));
        assertEquals(Optional.empty(), objection(history, 2, 2, 0, 0, 0, 0, 0, 0));
    }

    @Test // I5
    void shouldSeeDrivesOfTwoInstants() throws Exception {
        View first = history(FIRST, acknowledged(1, 0, 120));
        View second = history(SECOND, acknowledged(1, 0, 140));

        // The first drive lacks a write that had ended at 120; the second one has one that was begun at 130.
        Optional<String> objection =
                CUT.objection(List.of(first, second), Map.of("drive0", image(FIRST), "drive1", image(SECOND, 1, 1)));

        assertTrue(objection.orElseThrow().contains("drive0/0 is missing"), objection::toString);
        assertEquals(
                Optional.empty(),
                CUT.objection(List.of(first, second), Map.of("drive0", image(FIRST, 1, 1), "drive1", image(SECOND))));
    }

    @Test
    void shouldNotMissAWriteThatChangedNothing() throws Exception {
        RecordedWrite zeroes = new RecordedWrite(1, 0, 2, true, 110, new Outcome.Acknowledged(120));
        View first = history(FIRST, zeroes);
        View second = history(SECOND, acknowledged(1, 0, 140));

        assertEquals(
                Optional.empty(),
                CUT.objection(List.of(first, second), Map.of("drive0", image(FIRST), "drive1", image(SECOND, 1, 1))));
    }

    @Test
    void shouldJudgeByWhatIsLeftOfAHistory() throws Exception {
        WriterHistory history = new WriterHistory(FIRST);
        history.add(acknowledged(1, 0, 20));
        history.add(acknowledged(2, 2, 150));
        history.forgetBefore(100);

        assertEquals(1, history.view().writes().size());
        assertEquals(Optional.empty(), objection(history.view(), 1, 1, 2, 2, 0, 0, 0, 0));
        assertTrue(objection(history.view(), 0, 0, 2, 2, 0, 0, 0, 0).isPresent());
    }

    private Optional<String> objection(View history, int... versions) throws IOException {
        return CUT.objection(List.of(history), Map.of("drive0", image(FIRST, versions)));
    }

    /** A raw image whose first sectors are of these versions. */
    private Path image(Territory territory, int... versions) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(SECTORS * SectorContent.SECTOR_BYTES);
        for (int sector = 0; sector < versions.length; sector++) {
            territory.content().put(bytes, sector, versions[sector]);
        }
        return Files.write(folder.resolve(territory.drive() + ".raw"), bytes.array());
    }

    private static View history(Territory territory, RecordedWrite... writes) {
        WriterHistory history = new WriterHistory(territory);
        List.of(writes).forEach(history::add);
        return history.view();
    }

    /** Of two sectors, begun 10 before its reply. */
    private static RecordedWrite acknowledged(int version, int first, long nanos) {
        return write(version, first, nanos - 10, new Outcome.Acknowledged(nanos));
    }

    private static RecordedWrite write(int version, int first, long begunNanos, Outcome outcome) {
        return new RecordedWrite(version, first, 2, false, begunNanos, outcome);
    }
}
