package io.varve.core.transaction;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.varve.core.bits.Extent;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Doubt;
import io.varve.core.drive.Recording;
import io.varve.core.fold.ReadingFold;
import io.varve.core.fold.WritingAgent;
import io.varve.core.id.BitmapName;
import io.varve.core.transaction.Loading.Found;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What an image's file tells of bitmaps becomes the state, in the writer's log as in its readers'. */
class LoadingTest {
    private static final int SIZE_BYTES = 1 << 20;
    private static final Granularity FINE = new Granularity(4096);
    private static final BitmapName KNOWN = new BitmapName("known");
    private static final BitmapName GONE = new BitmapName("gone");
    private static final BitmapName NEW = new BitmapName("new");
    private static final BitmapName BAD = new BitmapName("bad");

    @Test
    void shouldTakeTheFilesBitmapsInPlaceOfWhatTheJournalKnew() { // I3, design 1
        WritingAgent agent = new WritingAgent(SIZE_BYTES);
        agent.transact(List.of(add("known"), add("gone"), add("kept")), Completion.INDIVIDUAL);
        agent.write(0, 1);

        DrivePlan plan = Loading.plan(
                agent.state(),
                Set.of(GONE),
                List.of(
                        new Found(KNOWN, FINE, Recording.DISABLED, Optional.empty()),
                        new Found(
                                BAD,
                                Granularity.DEFAULT,
                                Recording.ENABLED,
                                Optional.of(Doubt.fileBitmapDamaged("in use"))),
                        new Found(NEW, Granularity.DEFAULT, Recording.ENABLED, Optional.empty())));
        List<DrivePlan.PlannedImport> imports = plan.imports();
        agent.imported(imports.getFirst(), marked(FINE, 8192));
        agent.imported(imports.getLast(), marked(Granularity.DEFAULT, 131_072));
        agent.carryOut(plan);
        agent.write(524_288, 1);

        ReadingFold reader = new ReadingFold();
        agent.log().forEach(reader::read);
        assertEquals(agent.state(), reader.state());
        assertEquals(List.of(new Extent(8192, 4096)), content(reader, KNOWN));
        assertEquals(List.of(new Extent(131_072, 65_536), new Extent(524_288, 65_536)), content(reader, NEW));
        assertEquals(
                List.of(new Extent(0, 65_536), new Extent(524_288, 65_536)), content(reader, new BitmapName("kept")));
        assertInstanceOf(BitmapStatus.Inconsistent.class, bitmap(reader, BAD).status());
        assertEquals(Optional.empty(), reader.state().bitmap(GONE));
        assertEquals(FINE, reader.state().open().granularity());
    }

    private static Bitmap bitmap(ReadingFold reader, BitmapName name) {
        return reader.state().bitmap(name).orElseThrow();
    }

    private static List<Extent> content(ReadingFold reader, BitmapName name) {
        Bitmap bitmap = bitmap(reader, name);
        return reader.union(bitmap.allGenerations(), bitmap.granularity()).extents();
    }

    private static Marks marked(Granularity granularity, long offsetBytes) {
        Marks marks = Marks.none(granularity, SIZE_BYTES);
        marks.mark(offsetBytes, 1);
        return marks;
    }

    private static Action add(String name) {
        return new Action.AddBitmap(WritingAgent.DRIVE.value(), name, Optional.empty(), true, Recording.ENABLED);
    }
}
