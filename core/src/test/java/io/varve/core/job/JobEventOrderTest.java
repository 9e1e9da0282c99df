package io.varve.core.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.drive.Conclusion;
import io.varve.core.job.JobSetup.Endings;
import io.varve.core.job.JobSetup.ErrorPolicies;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/**
 * The orders in which clients of QEMU 7.2.22 were seen to be told of backups, and of other jobs that end by themselves.
 */
class JobEventOrderTest {
    private static final JobRequest CANCEL = new JobRequest.Cancel(false);
    private static final Endings BY_HAND = new Endings(false, false);

    @Test
    void shouldTellOfASuccess() {
        JobShell shell = JobShell.started(JobSetup.backup("j"));

        shell.done(0);

        assertTold(
                shell,
                "j created, j running, j paused, j running, j waiting, j pending, j COMPLETED, j concluded, j null");
        assertEquals(Map.of(0, List.of(new Conclusion.Written())), shell.conclusions);
        assertEquals(new JobEffect.Free(0), shell.effects.getLast());
        assertTrue(shell.group.isGone());
    }

    @Test
    void shouldTellOfACopyOfNothingAsOfAnyOther() {
        JobShell shell = JobShell.started(JobSetup.backup("a"), JobSetup.backup("b"));
        shell.told();

        shell.done(0);

        assertTold(shell, "a waiting");
        shell.done(1);
        assertTold(
                shell,
                "b waiting, b pending, a pending, b COMPLETED, b concluded, b null, a COMPLETED, a concluded, a null");
    }

    @Test
    void shouldTellOfACancel() {
        JobShell shell = started(JobSetup.backup("j"));

        assertTrue(shell.ask(0, CANCEL));

        assertTold(shell, "j aborting, j CANCELLED, j concluded, j null");
        assertEquals(Map.of(0, List.of(new Conclusion.Cancelled())), shell.conclusions);
    }

    @Test
    void shouldCancelAPausedJobByForceOnly() {
        JobShell shell = started(JobSetup.backup("j"));
        shell.ask(0, new JobRequest.Pause());

        assertFalse(shell.ask(0, CANCEL));
        assertTrue(shell.ask(0, new JobRequest.Cancel(true)));

        assertTold(
                shell,
                "j paused, The block job for device 'j' is currently paused, "
                        + "j running, j aborting, j CANCELLED, j concluded, j null");
    }

    @Test
    void shouldTellOfAReportedError() {
        JobShell shell = started(JobSetup.backup("j"));

        shell.on(new JobInput.ErrorMet(0, Operation.WRITE, false));
        shell.failed(0);

        assertTold(shell, "j ERROR write report, j aborting, j COMPLETED Input/output error, j concluded, j null");
        assertEquals(Map.of(0, List.of(new Conclusion.Failed("it broke"))), shell.conclusions);
        assertTrue(shell.effects.contains(new JobEffect.ActOnError(0, ErrorAction.REPORT)));
    }

    @Test
    void shouldGoOnAfterAnIgnoredError() {
        JobShell shell = started(JobSetup.backup("j").with(new ErrorPolicies(ErrorPolicy.IGNORE, ErrorPolicy.REPORT)));

        shell.on(new JobInput.ErrorMet(0, Operation.READ, false));
        shell.done(0);

        assertTold(shell, "j ERROR read ignore, j waiting, j pending, j COMPLETED, j concluded, j null");
        assertTrue(shell.effects.contains(new JobEffect.ActOnError(0, ErrorAction.IGNORE)));
    }

    @Test
    void shouldStopAtAnErrorAndTryAgainWhenResumed() {
        JobShell shell = started(JobSetup.backup("j").with(new ErrorPolicies(ErrorPolicy.REPORT, ErrorPolicy.STOP)));

        shell.on(new JobInput.ErrorMet(0, Operation.WRITE, false));

        assertTold(shell, "j ERROR write stop, j paused");
        assertEquals(new JobView(JobStatus.PAUSED, true, IoStatus.FAILED, 0, Optional.empty()), shell.group.view(0));
        assertFalse(shell.ask(0, new JobRequest.Pause()));
        assertTrue(shell.ask(0, new JobRequest.Resume()));
        assertTold(shell, "Job is already paused, j running");
        assertEquals(IoStatus.OK, shell.group.view(0).ioStatus());
        shell.done(0);
        assertTold(shell, "j waiting, j pending, j COMPLETED, j concluded, j null");
    }

    @Test
    void shouldStopForSpaceOnly() {
        for (ErrorPolicy policy : List.of(ErrorPolicy.ENOSPC, ErrorPolicy.AUTO)) {
            JobShell shell = started(JobSetup.backup("j").with(new ErrorPolicies(ErrorPolicy.REPORT, policy)));

            shell.on(new JobInput.ErrorMet(0, Operation.WRITE, true));

            assertTold(shell, "j ERROR write stop, j paused");
            assertEquals(IoStatus.NOSPACE, shell.group.view(0).ioStatus());
            shell.ask(0, new JobRequest.Resume());
            shell.on(new JobInput.ErrorMet(0, Operation.WRITE, false));
            assertTold(shell, "j running, j ERROR write report");
        }
    }

    @Test
    void shouldWaitForTheWordToFinalizeAndToDismiss() {
        JobShell shell = started(JobSetup.backup("j").with(BY_HAND));

        shell.done(0);

        assertTold(shell, "j waiting, j pending, j PENDING");
        assertTrue(shell.ask(0, new JobRequest.Finalize()));
        assertTold(shell, "j COMPLETED, j concluded");
        assertTrue(shell.ask(0, new JobRequest.Dismiss()));
        assertTold(shell, "j null");
    }

    @Test
    void shouldCancelWhatIsPending() {
        JobShell shell = started(JobSetup.backup("j").with(new Endings(false, true)));
        shell.done(0);
        shell.told();

        assertTrue(shell.ask(0, CANCEL));

        assertTold(shell, "j aborting, j CANCELLED, j concluded, j null");
    }

    @Test
    void shouldTellOfAGroupsSuccessFromTheNewestOn() {
        JobShell shell = JobShell.started(JobSetup.backup("a"), JobSetup.backup("b"), JobSetup.backup("c"));

        assertTold(
                shell,
                "a created, b created, c created, a running, a paused, b running, b paused, c running, c paused, "
                        + "a running, b running, c running");
        shell.done(2);
        shell.done(1);
        shell.done(0);
        assertTold(
                shell,
                "c waiting, b waiting, a waiting, c pending, b pending, a pending, "
                        + "c COMPLETED, c concluded, c null, b COMPLETED, b concluded, b null, "
                        + "a COMPLETED, a concluded, a null");
    }

    @Test
    void shouldFinalizeAGroupByTheWordToOne() {
        JobShell shell = started(
                JobSetup.backup("a").with(new Endings(false, true)),
                JobSetup.backup("b"),
                JobSetup.backup("c").with(BY_HAND));
        shell.done(2);
        shell.done(1);
        shell.done(0);

        assertTrue(shell.ask(1, new JobRequest.Finalize()));

        assertTold(
                shell,
                "c waiting, b waiting, a waiting, c pending, c PENDING, b pending, a pending, a PENDING, "
                        + "c COMPLETED, c concluded, b COMPLETED, b concluded, b null, a COMPLETED, "
                        + "a concluded, a null");
    }

    @Test
    void shouldCancelAGroupWhenOneFails() {
        JobShell shell = started(JobSetup.backup("a"), JobSetup.backup("b"), JobSetup.backup("c"));
        shell.on(new JobInput.ErrorMet(1, Operation.WRITE, false));
        shell.done(0);

        shell.failed(1);

        assertTold(
                shell,
                "b ERROR write report, a waiting, b aborting, c aborting, c CANCELLED, c concluded, c null, "
                        + "b COMPLETED Input/output error, b concluded, b null, a aborting, a CANCELLED, "
                        + "a concluded, a null");
        assertEquals(
                Map.of(
                        0, List.of(new Conclusion.Cancelled()),
                        1, List.of(new Conclusion.Failed("it broke")),
                        2, List.of(new Conclusion.Cancelled())),
                shell.conclusions);
    }

    @Test
    void shouldCancelAGroupWithOneOfIt() {
        JobShell shell = started(JobSetup.backup("a"), JobSetup.backup("b"), JobSetup.backup("c"));
        shell.done(0);

        shell.ask(1, CANCEL);

        assertTold(
                shell,
                "a waiting, b aborting, c aborting, c CANCELLED, c concluded, c null, "
                        + "b CANCELLED, b concluded, b null, a aborting, a CANCELLED, a concluded, a null");
    }

    @Test
    void shouldCancelAGroupWithOneThatWaits() {
        JobShell shell = started(JobSetup.backup("a"), JobSetup.backup("b"), JobSetup.backup("c"));
        shell.done(0);
        shell.ask(1, new JobRequest.Pause());

        shell.ask(0, CANCEL);

        assertTold(
                shell,
                "a waiting, b paused, c aborting, c CANCELLED, c concluded, c null, "
                        + "b running, b aborting, b CANCELLED, b concluded, b null, "
                        + "a aborting, a CANCELLED, a concluded, a null");
    }

    @Test
    void shouldKeepACancelledJobUntilItIsDismissed() {
        JobShell shell = started(JobSetup.backup("j").with(new Endings(true, false)));

        shell.ask(0, CANCEL);

        assertTold(shell, "j aborting, j CANCELLED, j concluded");
        assertEquals(
                "Operation canceled", shell.group.view(0).error().orElseThrow().text());
        assertFalse(shell.ask(0, CANCEL));
        assertTold(shell, "Job 'j' in state 'concluded' cannot accept command verb 'cancel'");
    }

    @Test
    void shouldFreeTheIdOfACreationThatIsRefused() {
        JobShell shell = new JobShell();
        shell.on(new JobInput.Created(JobSetup.backup("j")));

        shell.on(new JobInput.CreationFailed(0));

        assertTold(shell, "j created, j null");
        assertEquals(Map.of(), shell.conclusions);
    }

    @Test
    void shouldTakeBackJobsOfATransactionThatFails() {
        JobShell shell = new JobShell();
        shell.on(new JobInput.Created(JobSetup.backup("a")));
        shell.on(new JobInput.Created(JobSetup.backup("b").with(BY_HAND)));
        shell.on(new JobInput.Created(JobSetup.backup("c")));
        shell.on(new JobInput.CreationFailed(2));

        shell.on(new JobInput.RolledBack());

        assertTold(
                shell,
                "a created, b created, c created, c null, b aborting, b concluded, b null, "
                        + "a aborting, a concluded, a null");
        assertEquals(Map.of(), shell.conclusions);
    }

    @Test
    void shouldTellOfAnImagesCreation() {
        JobShell shell = new JobShell();
        shell.on(new JobInput.Created(JobSetup.create("c")));
        shell.on(new JobInput.Started());

        shell.done(0);

        assertTold(shell, "c created, c running, c waiting, c pending, c concluded");
        assertEquals(Map.of(), shell.conclusions);
        assertTrue(shell.ask(0, new JobRequest.Dismiss()));
    }

    @Test
    void shouldPauseWhatRunsForADrain() {
        JobShell shell = started(JobSetup.backup("j"));

        shell.on(new JobInput.DrainBegan());
        shell.on(new JobInput.DrainEnded());

        assertTold(shell, "j paused, j running");
        shell.ask(0, new JobRequest.Pause());
        shell.on(new JobInput.DrainBegan());
        shell.on(new JobInput.DrainEnded());
        assertTold(shell, "j paused");
    }

    @Test
    void shouldEndWhatEndedWhilePausedOnceItIsResumed() {
        JobShell shell = started(JobSetup.backup("j"));
        shell.ask(0, new JobRequest.Pause());

        shell.done(0);

        assertTold(shell, "j paused");
        shell.ask(0, new JobRequest.Resume());
        assertTold(shell, "j running, j waiting, j pending, j COMPLETED, j concluded, j null");
    }

    private static JobShell started(JobSetup... setups) {
        JobShell shell = JobShell.started(setups);
        shell.told();
        return shell;
    }

    private static void assertTold(JobShell shell, String expected) {
        assertEquals(expected, String.join(", ", shell.told()));
    }
}
