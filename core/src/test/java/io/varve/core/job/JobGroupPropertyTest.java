package io.varve.core.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.Seeds;
import io.varve.core.drive.Conclusion;
import io.varve.core.job.JobSetup.Endings;
import io.varve.core.job.JobSetup.ErrorPolicies;
import io.varve.core.job.JobSetup.Settling;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Whatever happens to a group, in whatever order. That no status goes where it may not, the machine itself checks. */
class JobGroupPropertyTest {
    private static final int CASES = 5_000;

    @Test
    void shouldEndEveryJobOnceAndAllAlike() {
        Seeds.forEach(CASES, random -> {
            JobShell shell = anyGroup(random);
            for (int step = random.nextInt(40); step > 0; step--) {
                anything(shell, random);
            }
            finish(shell);

            assertTrue(shell.group.isGone());
            for (int job = 0; job < shell.group.size(); job++) {
                checkEnd(shell, job);
            }
            checkAllAlike(shell);
            checkTargets(shell);
        });
    }

    @Test
    void shouldNeverLetATargetAppearWhileOthersWork() {
        Seeds.forEach(CASES, random -> {
            JobShell shell = anyGroup(random);
            for (int step = 0; step < 60; step++) {
                anything(shell, random);
                if (!shell.preparing.isEmpty()) {
                    assertEquals(0, shell.working.size());
                }
            }
        });
    }

    private static JobShell anyGroup(SplittableRandom random) {
        JobShell shell = new JobShell();
        shell.isQuick = random.nextBoolean();
        if (random.nextInt(8) == 0) {
            shell.objection = Optional.of(new JobInput.Objection(0, JobError.io(false, "in the way")));
        }
        int size = random.nextInt(1, 5);
        boolean drained = random.nextBoolean();
        for (int job = 0; job < size; job++) {
            shell.on(new JobInput.Created(anySetup("j" + job, random)));
        }
        if (drained) {
            shell.on(new JobInput.DrainBegan());
        }
        shell.on(new JobInput.Started());
        if (drained) {
            shell.on(new JobInput.DrainEnded());
        }
        return shell;
    }

    private static JobSetup anySetup(String id, SplittableRandom random) {
        ErrorPolicy[] policies = ErrorPolicy.values();
        return new JobSetup(
                id,
                random.nextBoolean() ? JobType.BACKUP : JobType.MIRROR,
                new Endings(random.nextInt(4) > 0, random.nextInt(4) > 0),
                new ErrorPolicies(policies[random.nextInt(policies.length)], policies[random.nextInt(policies.length)]),
                random.nextInt(8) == 0 ? Settling.ELSEWHERE : Settling.HERE);
    }

    private static void anything(JobShell shell, SplittableRandom random) {
        int job = random.nextInt(shell.group.size());
        switch (random.nextInt(14)) {
            case 0, 1 -> endWork(shell, job, random.nextInt(6) == 0);
            case 2 -> appear(shell, job, random.nextInt(6) == 0);
            case 3 -> shell.on(new JobInput.ErrorMet(job, anyOperation(random), random.nextBoolean()));
            case 4 -> ifAtWork(shell, job, new JobInput.BecameReady(job));
            case 5 -> shell.drain(random.nextInt(3) == 0);
            case 6 -> {
                if (random.nextInt(6) == 0) {
                    shell.on(new JobInput.Failed(job, JobError.io(false, "lost")));
                }
            }
            case 7 -> shell.ask(job, new JobRequest.Pause());
            case 8, 9 -> shell.ask(job, new JobRequest.Resume());
            case 10 -> {
                if (random.nextInt(4) == 0) {
                    shell.ask(job, new JobRequest.Cancel(random.nextBoolean()));
                }
            }
            case 11 -> shell.ask(job, new JobRequest.Finalize());
            case 12 -> shell.ask(job, new JobRequest.SetSpeed(random.nextInt(-1, 3)));
            default -> shell.ask(job, random.nextBoolean() ? new JobRequest.Complete() : new JobRequest.Dismiss());
        }
    }

    private static Operation anyOperation(SplittableRandom random) {
        return random.nextBoolean() ? Operation.READ : Operation.WRITE;
    }

    private static void ifAtWork(JobShell shell, int job, JobInput input) {
        if (shell.working.contains(job)) {
            shell.on(input);
        }
    }

    private static void endWork(JobShell shell, int job, boolean badly) {
        if (shell.working.contains(job)) {
            if (badly) {
                shell.failed(job);
            } else {
                shell.done(job);
            }
        }
    }

    private static void appear(JobShell shell, int job, boolean badly) {
        if (badly) {
            shell.preparationErrors.put(job, JobError.io(true, "full"));
        }
        shell.appeared(job);
        shell.settle();
    }

    /** What a shell and a user do in the end, so that everything comes to one. */
    private static void finish(JobShell shell) {
        shell.isQuick = true;
        for (int drain = 0; drain < 40; drain++) {
            shell.drain(false);
        }
        for (int round = 0; round < 4; round++) {
            for (int job = 0; job < shell.group.size(); job++) {
                shell.ask(job, new JobRequest.Resume());
                endWork(shell, job, false);
                appear(shell, job, false);
                shell.ask(job, new JobRequest.Finalize());
                shell.ask(job, new JobRequest.Dismiss());
            }
        }
    }

    private static void checkEnd(JobShell shell, int job) {
        List<Conclusion> conclusions = shell.conclusions.getOrDefault(job, List.of());
        assertEquals(shell.group.setup(job).settling() == Settling.HERE ? 1 : 0, conclusions.size());
        assertEquals(1, count(shell, new JobEffect.Free(job)));
        assertTrue(count(shell, new JobEffect.StartWork(job)) <= 1, "it was started twice");
        assertTrue(count(shell, new JobEffect.StopWork(job)) <= 1, "it was stopped twice");
        long ends = shell.effects.stream()
                .filter(effect -> effect instanceof JobEffect.Tell(int told, JobEvent event)
                        && told == job
                        && (event instanceof JobEvent.Completed || event instanceof JobEvent.Cancelled))
                .count();
        assertEquals(1, ends);
    }

    private static void checkAllAlike(JobShell shell) {
        List<Conclusion> all = new ArrayList<>();
        shell.conclusions.values().forEach(all::addAll);
        boolean isWritten = all.stream().anyMatch(Conclusion.Written.class::isInstance);
        if (isWritten) {
            assertTrue(all.stream().allMatch(Conclusion.Written.class::isInstance), "some were written, and some not");
        }
        boolean failed = shell.effects.stream()
                .anyMatch(effect -> effect instanceof JobEffect.StatusChanged(int _, JobStatus _, JobStatus to)
                        && to == JobStatus.ABORTING);
        assertFalse(isWritten && failed, "one was written though one aborted");
    }

    /** None is written whose target didn't appear, and what's stored appears or is given up, once. */
    private static void checkTargets(JobShell shell) {
        for (int job = 0; job < shell.group.size(); job++) {
            Optional<Conclusion> conclusion =
                    shell.conclusions.getOrDefault(job, List.of()).stream().findFirst();
            if (conclusion.isPresent() && conclusion.get() instanceof Conclusion.Written) {
                assertEquals(1, count(shell, new JobEffect.Prepare(job)));
            }
            long ends = count(shell, new JobEffect.Prepare(job)) + count(shell, new JobEffect.GiveUp(job));
            assertEquals(shell.stored.contains(job) && conclusion.isPresent() ? 1 : 0, ends);
        }
    }

    private static long count(JobShell shell, JobEffect wanted) {
        return shell.effects.stream().filter(wanted::equals).count();
    }
}
