package io.varve.core.job;

import io.varve.core.drive.Conclusion;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A shell around a group, as real ones are: it writes down what clients are told, and answers what's answered at once.
 * The work ends when a test says so.
 */
final class JobShell {
    final JobGroup group = new JobGroup();
    final Set<Integer> working = new HashSet<>();
    final Set<Integer> preparing = new HashSet<>();
    final Set<Integer> stored = new HashSet<>();
    final Set<Integer> givingUp = new HashSet<>();
    final Map<Integer, List<Conclusion>> conclusions = new HashMap<>();
    final List<JobEffect> effects = new ArrayList<>();

    /** What clients are told, such as {@code a running} and {@code a COMPLETED}, since it was last taken. */
    private final List<String> told = new ArrayList<>();

    private final Deque<JobInput> queue = new ArrayDeque<>();

    private int drains;

    /** Whether stopped work, and targets, end at once. */
    boolean isQuick = true;

    Optional<JobInput.Objection> objection = Optional.empty();
    Optional<JobError> conclusionError = Optional.empty();
    Map<Integer, JobError> preparationErrors = new HashMap<>();

    /** Creates and starts the jobs as a transaction does. */
    static JobShell started(JobSetup... setups) {
        JobShell shell = new JobShell();
        for (JobSetup setup : setups) {
            shell.on(new JobInput.Created(setup));
        }
        shell.on(new JobInput.DrainBegan());
        shell.on(new JobInput.Started());
        shell.on(new JobInput.DrainEnded());
        return shell;
    }

    void on(JobInput input) {
        queue.add(input);
        settle();
    }

    void drain(boolean begins) {
        if (begins) {
            drains++;
            on(new JobInput.DrainBegan());
        } else if (drains > 0) {
            drains--;
            on(new JobInput.DrainEnded());
        }
    }

    /** Whether it was accepted; a refusal's text is written down. */
    boolean ask(int job, JobRequest request) {
        return switch (group.ask(job, request)) {
            case JobAnswer.Refused(String text) -> {
                told.add(text);
                yield false;
            }
            case JobAnswer.Accepted(List<JobEffect> accepted) -> {
                accepted.forEach(this::perform);
                settle();
                yield true;
            }
        };
    }

    void done(int job) {
        working.remove(job);
        stored.add(job);
        on(new JobInput.WorkEnded(job, Optional.empty()));
    }

    void failed(int job) {
        working.remove(job);
        on(new JobInput.WorkEnded(job, Optional.of(JobError.io(false, "it broke"))));
    }

    List<String> told() {
        List<String> taken = List.copyOf(told);
        told.clear();
        return taken;
    }

    private void perform(JobEffect effect) {
        effects.add(effect);
        switch (effect) {
            case JobEffect.StatusChanged(int job, JobStatus _, JobStatus to) -> told.add(id(job) + " " + to.qmpName());
            case JobEffect.Tell(int job, JobEvent event) -> told.add(id(job) + " " + name(event));
            case JobEffect.StartWork(int job) -> working.add(job);
            case JobEffect.StopWork(int job) -> stop(job);
            case JobEffect.CheckTargets _ -> queue.add(new JobInput.TargetsChecked(objection));
            case JobEffect.Prepare(int job) -> prepare(job, preparing);
            case JobEffect.GiveUp(int job) -> prepare(job, givingUp);
            case JobEffect.Conclude(int job, Conclusion conclusion) -> {
                conclusions.computeIfAbsent(job, _ -> new ArrayList<>()).add(conclusion);
                queue.add(new JobInput.Concluded(job, conclusionError));
            }
            case JobEffect.PauseWork _,
                    JobEffect.ResumeWork _,
                    JobEffect.FinishWork _,
                    JobEffect.LimitSpeed _,
                    JobEffect.ActOnError _,
                    JobEffect.Free _ -> {}
        }
    }

    private void stop(int job) {
        if (isQuick && working.remove(job)) {
            queue.add(new JobInput.WorkEnded(job, Optional.of(JobError.cancelled())));
        }
    }

    private void prepare(int job, Set<Integer> these) {
        these.add(job);
        if (isQuick) {
            appeared(job);
        }
    }

    /** Its target is there, or isn't as the test wishes it. */
    void appeared(int job) {
        if (preparing.remove(job) || givingUp.remove(job)) {
            queue.add(new JobInput.Prepared(job, Optional.ofNullable(preparationErrors.get(job))));
        }
    }

    /** Takes the answers that the test has caused. */
    void settle() {
        while (!queue.isEmpty()) {
            group.on(queue.remove()).forEach(this::perform);
        }
    }

    private String id(int job) {
        return group.setup(job).id();
    }

    private static String name(JobEvent event) {
        return switch (event) {
            case JobEvent.ErrorMet(Operation operation, ErrorAction action) ->
                "ERROR " + operation.qmpName() + " " + action.qmpName();
            case JobEvent.Ready _ -> "READY";
            case JobEvent.Pending _ -> "PENDING";
            case JobEvent.Completed(Optional<JobError> error) ->
                "COMPLETED" + error.map(e -> " " + e.text()).orElse("");
            case JobEvent.Cancelled _ -> "CANCELLED";
        };
    }
}
