package io.varve.core.fold;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.varve.core.bits.Digest;
import io.varve.core.bits.Extent;
import io.varve.core.bits.HierarchicalBitSet;
import io.varve.core.drive.Anchor;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.NewArea;
import io.varve.core.drive.Recording;
import io.varve.core.id.BitmapName;
import io.varve.core.id.SyncPointId;
import io.varve.core.transaction.Action;
import io.varve.core.transaction.Plan;
import io.varve.core.transaction.Resize;
import io.varve.core.transaction.SyncMode;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ResizeTest {
    private static final String NODE = WritingAgent.DRIVE.value();
    private static final long GRANULE = 64 * 1024;
    private static final Anchor ANCHOR = new Anchor(
            new SyncPointId("sp-1"), new SyncPointId("sp-1"), 0, "manifest", Digest.of(HierarchicalBitSet.ofHeap(1)));

    private final WritingAgent agent = new WritingAgent(4 * GRANULE);

    @BeforeEach
    void anchorABitmap() {
        agent.transact(
                List.of(
                        new Action.AddBitmap(NODE, "a", Optional.of(GRANULE), true, Recording.ENABLED),
                        new Action.Backup(
                                NODE, SyncMode.FULL, Optional.empty(), Optional.empty(), BackupTarget.ARCHIVE)),
                Completion.INDIVIDUAL);
        agent.conclude(agent.state().undecided().firstKey(), new Conclusion.Committed(ANCHOR));
    }

    @Test
    void shouldFollowGrowthWithACleanNewAreaAndGoOnIncrementally() {
        agent.write(3 * GRANULE, 1);
        resize(8 * GRANULE, NewArea.ZEROES);
        agent.write(7 * GRANULE, 1);

        assertEquals(List.of(new Extent(3 * GRANULE, GRANULE), new Extent(7 * GRANULE, GRANULE)), dirty());
        assertEquals(Optional.of(ANCHOR), bitmap().anchor());
    }

    @Test
    void shouldLoseWhatLiesBehindTheEndAndKeepThePartialGranule() {
        agent.write(2 * GRANULE + 5000, 1);
        agent.write(3 * GRANULE, 1);
        resize(2 * GRANULE + 512, NewArea.MARKED);

        assertEquals(List.of(new Extent(2 * GRANULE, 512)), dirty());
        assertEquals(
                GRANULE,
                agent.union(bitmap().generations(), bitmap().granularity()).dirtyBytes());
        assertEquals(Optional.of(ANCHOR), bitmap().anchor());
    }

    @Test
    void shouldMarkWhatAShrinkLostWhenTheDriveGrowsAgain() { // I1, reliability 6.12
        agent.write(2 * GRANULE, 2 * GRANULE); // as the agent marks the range that is about to go
        resize(2 * GRANULE, NewArea.MARKED);
        resize(4 * GRANULE, NewArea.ZEROES);

        assertEquals(List.of(new Extent(2 * GRANULE, 2 * GRANULE)), dirty());
        assertEquals(Optional.of(ANCHOR), bitmap().anchor());
    }

    @Test
    void shouldVoidTheAnchorWhenNobodyKnowsWhatAResizeChanged() { // I1, I4
        resize(2 * GRANULE, NewArea.ZEROES); // a shrink that marked nothing

        assertEquals(Optional.empty(), bitmap().anchor());
    }

    @Test
    void shouldVoidTheAnchorWhenTheNewAreaIsUnknown() {
        resize(8 * GRANULE, NewArea.UNKNOWN);

        assertEquals(Optional.empty(), bitmap().anchor());
    }

    private void resize(long sizeBytes, NewArea newArea) {
        assertInstanceOf(Plan.Planned.class, Resize.plan(agent.state(), sizeBytes, newArea))
                .drives()
                .forEach(agent::carryOut);
        ReadingFold reader = new ReadingFold();
        agent.log().forEach(reader::read);
        assertEquals(agent.state(), reader.state());
        assertEquals(sizeBytes, reader.state().sizeBytes());
    }

    private Bitmap bitmap() {
        return agent.state().bitmap(new BitmapName("a")).orElseThrow();
    }

    private List<Extent> dirty() {
        return agent.union(bitmap().generations(), bitmap().granularity()).extents();
    }
}
