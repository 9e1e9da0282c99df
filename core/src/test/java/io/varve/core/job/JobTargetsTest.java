package io.varve.core.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.drive.Conclusion;
import io.varve.core.job.JobSetup.Settling;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** When targets appear, and what becomes of the bits. */
class JobTargetsTest {
    private JobShell shell = new JobShell();

    @BeforeEach
    void startTwo() {
        shell = JobShell.started(JobSetup.backup("a"), JobSetup.backup("b"));
        shell.isQuick = false;
        shell.told();
    }

    @Test
    void shouldLetNoTargetAppearBeforeAllWorkIsDone() {
        shell.done(1);

        assertEquals(Set.of(), shell.preparing);
        shell.done(0);

        assertEquals(Set.of(0, 1), shell.preparing);
    }

    @Test
    void shouldLetNoTargetAppearWhenOneHasAnObjection() {
        shell.objection = Optional.of(new JobInput.Objection(0, JobError.io(false, "a folder is there")));
        shell.done(0);

        shell.done(1);

        assertEquals(Set.of(), shell.preparing);
        assertEquals(Set.of(0, 1), shell.givingUp);
        shell.appeared(0);
        shell.appeared(1);
        shell.settle();
        assertTold(
                "a waiting, b waiting, b pending, a pending, a aborting, b aborting, b CANCELLED, b concluded, b null, "
                        + "a COMPLETED Input/output error, a concluded, a null");
        assertEquals(
                Map.of(
                        0, List.of(new Conclusion.Failed("a folder is there")),
                        1, List.of(new Conclusion.Cancelled())),
                shell.conclusions);
    }

    @Test
    void shouldKeepAllBitsWhenATargetCannotAppear() {
        shell.preparationErrors.put(1, JobError.io(true, "full"));
        shell.done(0);
        shell.done(1);

        shell.appeared(0);
        shell.appeared(1);
        shell.settle();

        assertEquals(
                Map.of(0, List.of(new Conclusion.Cancelled()), 1, List.of(new Conclusion.Failed("full"))),
                shell.conclusions);
    }

    @Test
    void shouldWaitForAnAppearanceThatIsUnderWayWhenCancelled() {
        shell.done(0);
        shell.done(1);
        shell.appeared(0);
        shell.settle();
        shell.told();

        assertTrue(shell.ask(0, new JobRequest.Cancel(true)));

        assertTold("");
        assertTrue(shell.effects.contains(new JobEffect.StopWork(1)));
        assertFalse(shell.effects.contains(new JobEffect.StopWork(0)));
        shell.appeared(1);
        shell.settle();
        assertTold("b aborting, b CANCELLED, b concluded, b null, a aborting, a CANCELLED, a concluded, a null");
    }

    @Test
    void shouldConcludeTheNewestFirstHoweverTheirWorkEnds() {
        shell.ask(0, new JobRequest.Cancel(true));
        shell.done(0);
        shell.appeared(0);
        shell.settle();

        assertTold("a aborting");
        assertEquals(Map.of(), shell.conclusions);
        shell.failed(1);

        assertTold("b aborting, b CANCELLED, b concluded, b null, a CANCELLED, a concluded, a null");
    }

    @Test
    void shouldTellOfAConclusionThatCouldNotBeWritten() {
        shell.isQuick = true;
        shell.conclusionError = Optional.of(JobError.io(true, "the journal's disk is full"));
        shell.done(0);
        shell.told();

        shell.done(1);

        assertTold("b waiting, b pending, a pending, b aborting, b COMPLETED No space left on device, "
                + "b concluded, b null, "
                + "a aborting, a COMPLETED No space left on device, a concluded, a null");
    }

    @Test
    void shouldFailForAReasonFromWithoutAtAnyTimeBeforeTheEnd() {
        shell.done(0);

        shell.on(new JobInput.Failed(0, JobError.io(false, "its point in time is lost")));

        assertTold("a waiting, a aborting");
        shell.done(1);
        assertTold("");
        assertEquals(Set.of(0, 1), shell.givingUp);
        shell.appeared(0);
        shell.appeared(1);
        shell.settle();
        assertTold("b aborting, b CANCELLED, b concluded, b null, a COMPLETED Input/output error, a concluded, a null");
        assertEquals(List.of(new Conclusion.Failed("its point in time is lost")), shell.conclusions.get(0));
    }

    @Test
    void shouldSettleNothingThatIsSettledElsewhere() {
        JobShell archive = JobShell.started(JobSetup.backup("z").with(Settling.ELSEWHERE));
        archive.done(0);

        assertEquals(Map.of(), archive.conclusions);
        assertFalse(archive.effects.contains(new JobEffect.CheckTargets()));
        assertTrue(archive.group.isGone());
    }

    @Test
    void shouldAskForNoMoreWorkOnceItAborts() {
        JobShell drained = new JobShell();
        drained.isQuick = false;
        drained.on(new JobInput.Created(JobSetup.backup("a")));
        drained.on(new JobInput.Created(JobSetup.backup("b")));
        drained.on(new JobInput.DrainBegan());
        drained.on(new JobInput.Started());

        drained.ask(1, new JobRequest.Cancel(true));
        drained.on(new JobInput.DrainEnded());

        assertEquals(Set.of(), drained.working);
        assertTrue(drained.group.isGone());
    }

    @Test
    void shouldLetADrainsEndWakeNothingThatIsToEnd() {
        shell.on(new JobInput.DrainBegan());
        shell.ask(0, new JobRequest.Cancel(true));
        shell.failed(0);

        shell.on(new JobInput.DrainEnded());

        assertTold("a paused, b paused, a running, a aborting");
        assertFalse(shell.effects.contains(new JobEffect.ResumeWork(1)));
        shell.failed(1);
        assertTold("b running, b aborting, b CANCELLED, b concluded, b null, a CANCELLED, a concluded, a null");
    }

    private void assertTold(String expected) {
        assertEquals(expected, String.join(", ", shell.told()));
    }
}
