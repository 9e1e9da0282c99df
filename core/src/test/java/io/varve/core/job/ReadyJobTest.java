package io.varve.core.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.drive.Conclusion;
import io.varve.core.job.JobSetup.Endings;
import io.varve.core.job.JobSetup.ErrorPolicies;
import io.varve.core.job.JobSetup.Settling;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Jobs that end on a word: the commit of an active layer. */
class ReadyJobTest {
    private JobShell shell = new JobShell();

    @BeforeEach
    void becomeReady() {
        shell = new JobShell();
        shell.on(new JobInput.Created(
                new JobSetup("m", JobType.COMMIT, Endings.AUTOMATIC, ErrorPolicies.REPORT, Settling.HERE)));
        shell.on(new JobInput.Started());
        shell.on(new JobInput.BecameReady(0));
    }

    @Test
    void shouldSwitchOverOnTheWord() {
        assertTrue(shell.ask(0, new JobRequest.Complete()));

        assertEquals(new JobEffect.FinishWork(0, JobEffect.Finish.SWITCH_OVER), shell.effects.getLast());
        shell.done(0);
        assertTold("m created, m running, m ready, m READY, m waiting, m pending, m COMPLETED, m concluded, m null");
    }

    @Test
    void shouldTakeTheWordInStandbyAndEndOnceResumed() {
        shell.ask(0, new JobRequest.Pause());
        assertTrue(shell.ask(0, new JobRequest.Complete()));
        shell.done(0);
        shell.told();

        shell.ask(0, new JobRequest.Resume());

        assertTold("m ready, m waiting, m pending, m COMPLETED, m concluded, m null");
    }

    @Test
    void shouldEndWellWhenCancelledSoftly() {
        shell.told();

        assertTrue(shell.ask(0, new JobRequest.Cancel(false)));

        assertEquals(new JobEffect.FinishWork(0, JobEffect.Finish.LEAVE), shell.effects.getLast());
        assertFalse(shell.ask(0, new JobRequest.Complete()));
        shell.done(0);
        assertTold("The active block job 'm' cannot be completed, "
                + "m waiting, m pending, m COMPLETED, m concluded, m null");
    }

    @Test
    void shouldBeCancelledByForceAlsoAfterASoftCancel() {
        shell.told();
        shell.ask(0, new JobRequest.Cancel(false));

        shell.ask(0, new JobRequest.Cancel(true));

        assertTold("m aborting, m CANCELLED, m concluded, m null");
        assertEquals(Map.of(0, List.of(new Conclusion.Cancelled())), shell.conclusions);
    }

    @Test
    void shouldBecomeReadyOnceResumedWhenItWasPausedBefore() {
        JobShell paused = new JobShell();
        paused.on(new JobInput.Created(
                new JobSetup("m", JobType.MIRROR, Endings.AUTOMATIC, ErrorPolicies.REPORT, Settling.HERE)));
        paused.on(new JobInput.Started());
        paused.ask(0, new JobRequest.Pause());
        paused.on(new JobInput.BecameReady(0));
        paused.told();

        paused.ask(0, new JobRequest.Resume());

        assertEquals(List.of("m running", "m ready", "m READY"), paused.told());
    }

    private void assertTold(String expected) {
        assertEquals(expected, String.join(", ", shell.told()));
    }
}
