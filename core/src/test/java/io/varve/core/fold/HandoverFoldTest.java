package io.varve.core.fold;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.Seeds;
import io.varve.core.bits.Extent;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Recording;
import io.varve.core.drive.Trust;
import io.varve.core.event.LogRecord;
import io.varve.core.handover.Incoming;
import io.varve.core.id.BitmapName;
import io.varve.core.transaction.Action;
import io.varve.core.transaction.Plan;
import io.varve.core.transaction.SyncMode;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** A drive's log over a hand-over, and two agents alive on it. */
class HandoverFoldTest {
    private static final String NODE = WritingAgent.DRIVE.value();
    private static final int SIZE_BYTES = 1 << 20;
    private static final int ZOMBIES = 100 * Integer.getInteger("varve.handovers", 10);

    private final WritingAgent agent = new WritingAgent(SIZE_BYTES);

    @Test
    void shouldGoOnWithAllBitmapsAndTheirContent() { // I1, I4
        agent.transact(List.of(add("a")), Completion.INDIVIDUAL);
        agent.write(0, 1);
        agent.transact(List.of(add("b")), Completion.INDIVIDUAL);
        agent.write(131_072, 1);
        agent.handOver();
        agent.takeOver(2);
        agent.write(262_144, 1);
        agent.arrive(new TreeSet<>());

        ReadingFold reader = new ReadingFold();
        agent.log().forEach(reader::read);

        assertEquals(agent.state(), reader.state());
        assertEquals(List.of(), reader.complaints());
        assertEquals(List.of(extent(0), extent(131_072), extent(262_144)), content(reader, "a"));
        assertEquals(List.of(extent(131_072), extent(262_144)), content(reader, "b"));
    }

    @Test
    void shouldRefuseBackupsUntilTheBitmapsHaveCome() { // I4
        agent.transact(List.of(add("a")), Completion.INDIVIDUAL);
        agent.handOver();
        agent.takeOver(2);

        Plan plan = agent.transact(
                List.of(new Action.Backup(NODE, SyncMode.FULL, Optional.empty(), Optional.empty(), BackupTarget.FILE)),
                Completion.INDIVIDUAL);

        String reason = assertInstanceOf(Plan.Refused.class, plan).description();
        assertTrue(reason.contains("are still coming from the agent"), reason);
    }

    @Test
    void shouldMakeInconsistentWhatMissesMarksAndNothingElse() { // I1, I4
        agent.transact(List.of(add("a")), Completion.INDIVIDUAL);
        agent.write(0, 1);
        long lost = agent.state().open().number();
        agent.transact(List.of(add("b")), Completion.INDIVIDUAL);
        agent.handOver();
        agent.takeOver(2);

        agent.arrive(new TreeSet<>(List.of(lost)));

        BitmapStatus.Inconsistent status =
                assertInstanceOf(BitmapStatus.Inconsistent.class, bitmap("a").status());
        assertTrue(status.reason().contains("[" + lost + "] never came"), status.reason());
        assertEquals(new BitmapStatus.Idle(Recording.ENABLED), bitmap("b").status());
        assertTrue(!Incoming.isIncoming(agent.state()));
    }

    @Test
    void shouldSuspectEveryRecordOfASourceThatGoesOn() { // I8, reliability 2g
        Seeds.forEach(ZOMBIES, random -> {
            WritingAgent source = new WritingAgent(SIZE_BYTES);
            source.transact(List.of(add("a")), Completion.INDIVIDUAL);
            work(source, random, random.nextInt(4));
            WritingAgent zombie = source.cloned();
            work(source, random, random.nextInt(4));
            source.handOver();
            source.takeOver(2);
            source.arrive(new TreeSet<>());
            work(source, random, random.nextInt(4));
            int shared = zombie.log().size();
            // A state folder that was restored; or a clone, which wakes and doesn't know.
            boolean isRestarted = random.nextBoolean();
            if (isRestarted) {
                zombie.restart(3);
            }
            work(zombie, random, 1 + random.nextInt(12));
            ReadingFold reader = new ReadingFold();
            source.log().forEach(reader::read);

            for (LogRecord record : zombie.log().subList(shared, zombie.log().size())) {
                boolean isNew = record.control() > reader.state().control();
                Step step = Fold.apply(Optional.of(reader.state()), record);
                if (isRestarted || isNew) {
                    assertTrue(step.effects().stream().anyMatch(Effect.Suspected.class::isInstance), record::toString);
                    assertTrue(step.effects().stream().noneMatch(Effect.Mark.class::isInstance), record::toString);
                    Trust.Suspect trust = assertInstanceOf(
                            Trust.Suspect.class, step.state().orElseThrow().trust());
                    assertTrue(trust.reason().contains("another agent may have written the image"), trust.reason());
                }
                assertEquals(
                        reader.state().generations(), step.state().orElseThrow().generations());
                assertEquals(
                        reader.state().bitmaps().keySet(),
                        step.state().orElseThrow().bitmaps().keySet());
            }
        });
    }

    private static void work(WritingAgent agent, SplittableRandom random, int steps) {
        for (int step = 0; step < steps; step++) {
            if (random.nextInt(3) > 0) {
                agent.write(random.nextInt(SIZE_BYTES), 1);
            } else {
                agent.transact(List.of(new Action.ClearBitmap(NODE, "a")), Completion.INDIVIDUAL);
            }
        }
    }

    private Bitmap bitmap(String name) {
        return agent.state().bitmap(new BitmapName(name)).orElseThrow();
    }

    private List<Extent> content(ReadingFold reader, String name) {
        return reader.union(bitmap(name).allGenerations(), bitmap(name).granularity())
                .extents();
    }

    private static Extent extent(long offsetBytes) {
        return new Extent(offsetBytes, 65_536);
    }

    private static Action add(String name) {
        return new Action.AddBitmap(NODE, name, Optional.empty(), true, Recording.ENABLED);
    }
}
