package io.varve.capture.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.Seeds;
import io.varve.core.drive.Conclusion;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** The machine of grouped jobs alone, with copies that end at any time and in any way. */
class JobGroupTest {

    @Test
    void shouldGoFromTheNewestToTheOldestAsQemuDoes() {
        JobGroup group = new JobGroup(2);

        List<String> told = new ArrayList<>();
        tell(told, group.start());
        tell(told, group.stored(0));
        tell(told, group.stored(1));
        tell(told, group.targetsGood());
        tell(told, group.appeared(0));
        tell(told, group.appeared(1));

        assertEquals(
                List.of(
                        "0 created",
                        "0 running",
                        "1 created",
                        "1 running",
                        "0 waiting",
                        "1 waiting",
                        "1 pending",
                        "0 pending",
                        "1 Written",
                        "1 concluded",
                        "1 null",
                        "0 Written",
                        "0 concluded",
                        "0 null"),
                told);
    }

    @Test
    void shouldCancelTheOthersWhenOneFails() {
        JobGroup group = new JobGroup(2);
        group.start();
        group.stored(0);

        List<String> told = new ArrayList<>();
        List<JobEffect> effects = group.failed(1, new Conclusion.Failed("disk full"));
        tell(told, effects);
        tell(told, group.failed(0, new Conclusion.Cancelled()));

        assertTrue(effects.contains(new JobEffect.StopCopy(0)), effects::toString);
        assertEquals(
                List.of(
                        "1 aborting",
                        "1 Failed",
                        "1 concluded",
                        "1 null",
                        "0 aborting",
                        "0 Cancelled",
                        "0 concluded",
                        "0 null"),
                told);
    }

    @Test
    void shouldKeepTheFirstReasonOfAJobThatWasStopped() {
        JobGroup group = new JobGroup(1);
        group.start();

        group.stop(0, new Conclusion.Failed("its target went"));
        List<String> told = new ArrayList<>();
        tell(told, group.failed(0, new Conclusion.Cancelled()));

        assertEquals(List.of("0 aborting", "0 Failed", "0 concluded", "0 null"), told);
    }

    @Test
    void shouldWriteAllOrNoneWhateverHappens() {
        Seeds.forEach(2000, JobGroupTest::runAtRandom);
    }

    /** Copies as {@link FileCopies} runs them, one step at a time. */
    private static void runAtRandom(SplittableRandom random) {
        int jobs = 1 + random.nextInt(4);
        JobGroup group = new JobGroup(jobs);
        Copies copies = new Copies(group, jobs);
        copies.take(group.start());
        while (copies.concluded.size() < jobs) {
            int job = random.nextInt(jobs);
            switch (random.nextInt(12)) {
                case 0 -> copies.take(group.stop(job, new Conclusion.Cancelled()));
                case 1 -> copies.end(job, new Conclusion.Failed("by chance"));
                default -> copies.advance(job, random);
            }
        }
        boolean isWritten = copies.concluded.getFirst() instanceof Conclusion.Written;
        for (Conclusion conclusion : copies.concluded) {
            assertEquals(isWritten, conclusion instanceof Conclusion.Written, copies.concluded::toString);
        }
        for (int job = 0; job < jobs; job++) {
            assertInstanceOf(JobState.Gone.class, group.state(job));
        }
    }

    private static final class Copies {
        private final JobGroup group;
        private final int jobs;
        private final Set<Integer> stored = new HashSet<>();
        private final Set<Integer> released = new HashSet<>();
        private final Set<Integer> told = new HashSet<>();
        private final Set<Integer> ended = new HashSet<>();
        private final List<Conclusion> concluded = new ArrayList<>();

        Copies(JobGroup group, int jobs) {
            this.group = group;
            this.jobs = jobs;
        }

        void advance(int job, SplittableRandom random) {
            if (ended.contains(job)) {
                return;
            }
            if (!stored.contains(job) && !told.contains(job)) {
                stored.add(job);
                take(group.stored(job));
            } else if (told.contains(job) && (!released.contains(job) || random.nextBoolean())) {
                end(job, new Conclusion.Cancelled());
            } else if (released.contains(job)) {
                ended.add(job);
                take(group.appeared(job));
            }
        }

        void end(int job, Conclusion why) {
            if (ended.add(job)) {
                take(group.failed(job, why));
            }
        }

        void take(List<JobEffect> effects) {
            Deque<JobEffect> left = new ArrayDeque<>(effects);
            while (!left.isEmpty()) {
                switch (left.poll()) {
                    case JobEffect.Status _ -> {}
                    case JobEffect.StopCopy(int job) -> told.add(job);
                    case JobEffect.CheckTargets _ ->
                        group.targetsGood().reversed().forEach(left::addFirst);
                    case JobEffect.LetAppear(int job) -> {
                        assertEquals(jobs, stored.size(), "an image appears before all are stored");
                        released.add(job);
                    }
                    case JobEffect.Conclude(int job, Conclusion conclusion) -> {
                        assertTrue(ended.contains(job), "concluded while it copies");
                        concluded.add(conclusion);
                        assertFalse(concluded.size() > jobs, "concluded twice");
                    }
                }
            }
        }
    }

    private static void tell(List<String> told, List<JobEffect> effects) {
        for (JobEffect effect : effects) {
            switch (effect) {
                case JobEffect.Status(int job, JobStatus status) -> told.add(job + " " + status.qmpName());
                case JobEffect.Conclude(int job, Conclusion conclusion) ->
                    told.add(job + " " + conclusion.getClass().getSimpleName());
                case JobEffect.StopCopy _, JobEffect.CheckTargets _, JobEffect.LetAppear _ -> {}
            }
        }
    }
}
