package io.varve.core.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.job.JobSetup.Endings;
import io.varve.core.job.JobSetup.ErrorPolicies;
import io.varve.core.job.JobSetup.Settling;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every verb in every state that a client can find a job in. */
class JobVerbTest {
    /** The states that accept it, by their first letters, and Y for ready, D for pending, E for concluded. */
    private static final Map<JobVerb, String> TABLE = Map.of(
            JobVerb.CANCEL, "CRPYSWD",
            JobVerb.PAUSE, "CRPYS",
            JobVerb.RESUME, "CRPYS",
            JobVerb.SET_SPEED, "CRPYS",
            JobVerb.COMPLETE, "YS",
            JobVerb.FINALIZE, "D",
            JobVerb.DISMISS, "E");

    @Test
    void shouldAcceptVerbsAsQemuDoes() {
        for (JobVerb verb : JobVerb.values()) {
            String accepting = Arrays.stream(JobStatus.values())
                    .filter(verb::isAcceptedIn)
                    .map(JobVerbTest::letter)
                    .collect(Collectors.joining());

            assertEquals(TABLE.get(verb), accepting, verb::toString);
        }
    }

    private static String letter(JobStatus status) {
        return switch (status) {
            case UNDEFINED -> "U";
            case CREATED -> "C";
            case RUNNING -> "R";
            case PAUSED -> "P";
            case READY -> "Y";
            case STANDBY -> "S";
            case WAITING -> "W";
            case PENDING -> "D";
            case ABORTING -> "X";
            case CONCLUDED -> "E";
            case NULL -> "N";
        };
    }

    @ParameterizedTest
    @EnumSource(
            value = JobStatus.class,
            names = {"UNDEFINED", "NULL"},
            mode = EnumSource.Mode.EXCLUDE)
    void shouldAnswerEveryVerbInItsWords(JobStatus status) {
        for (JobRequest request : requests()) {
            JobShell shell = in(status);
            assertEquals(status, shell.group.view(0).status());

            Optional<String> answer = shell.group.ask(0, request) instanceof JobAnswer.Refused(String text)
                    ? Optional.of(text)
                    : Optional.empty();

            assertEquals(expected(status, request), answer, () -> request + " in " + status);
        }
    }

    private static Optional<String> expected(JobStatus status, JobRequest request) {
        if (request instanceof JobRequest.Resume && !status.isPaused()) {
            return Optional.of("Can't resume a job that was not paused");
        }
        if (request instanceof JobRequest.Pause && status.isPaused()) {
            return Optional.of("Job is already paused");
        }
        if (request.equals(new JobRequest.Cancel(false)) && status.isPaused()) {
            return Optional.of("The block job for device 'j' is currently paused");
        }
        if (!Objects.requireNonNull(TABLE.get(request.verb())).contains(letter(status))) {
            return Optional.of("Job 'j' in state '" + status.qmpName() + "' cannot accept command verb '"
                    + request.verb().qmpName() + "'");
        }
        return request.equals(new JobRequest.SetSpeed(-1))
                ? Optional.of("Parameter 'speed' expects a non-negative value")
                : Optional.empty();
    }

    private static List<JobRequest> requests() {
        return List.of(
                new JobRequest.Cancel(false),
                new JobRequest.Cancel(true),
                new JobRequest.Pause(),
                new JobRequest.Resume(),
                new JobRequest.SetSpeed(1),
                new JobRequest.SetSpeed(-1),
                new JobRequest.Complete(),
                new JobRequest.Finalize(),
                new JobRequest.Dismiss());
    }

    /** A job that can be in any state, and is in this one; where it's paused, by a user. */
    private static JobShell in(JobStatus status) {
        JobShell shell = new JobShell();
        shell.isQuick = false;
        shell.on(new JobInput.Created(mirror()));
        if (status == JobStatus.CREATED) {
            return shell;
        }
        if (status == JobStatus.WAITING) {
            shell.on(new JobInput.Created(JobSetup.backup("other")));
        }
        shell.on(new JobInput.Started());
        switch (status) {
            case PAUSED -> shell.ask(0, new JobRequest.Pause());
            case READY -> shell.on(new JobInput.BecameReady(0));
            case STANDBY -> {
                shell.on(new JobInput.BecameReady(0));
                shell.ask(0, new JobRequest.Pause());
            }
            case WAITING, PENDING -> shell.done(0);
            case ABORTING -> {
                assertTrue(shell.ask(0, new JobRequest.Cancel(true)));
                // Its conclusion isn't written down yet.
                shell.group.on(new JobInput.WorkEnded(0, Optional.empty()));
            }
            case CONCLUDED -> shell.failed(0);
            case UNDEFINED, CREATED, RUNNING, NULL -> {}
        }
        return shell;
    }

    private static JobSetup mirror() {
        return new JobSetup("j", JobType.MIRROR, new Endings(false, false), ErrorPolicies.REPORT, Settling.HERE);
    }
}
