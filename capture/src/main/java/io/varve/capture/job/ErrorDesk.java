package io.varve.capture.job;

import io.varve.core.job.ErrorAction;
import io.varve.core.job.Operation;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/**
 * Where a job's requests that failed learn what is done about it: the job is told, and answers. Requests that fail
 * while one waits for its answer share it, so that what fails together is told once.
 *
 * <p>Safe for any thread; an interrupt ends no wait, {@link #end} does.
 */
final class ErrorDesk {
    private Optional<JobPort> port = Optional.empty();
    private Optional<ErrorAction> answer = Optional.empty();
    private ErrorAction last = ErrorAction.REPORT;
    private boolean isAsking;
    private boolean reported;
    private boolean ended;
    private long answers;

    synchronized void open(JobPort to) {
        port = Optional.of(to);
    }

    /** The job's answer. */
    synchronized void answer(ErrorAction action) {
        answer = Optional.of(action);
        notifyAll();
    }

    /** The job ends: nothing is asked any more. */
    synchronized void end() {
        ended = true;
        notifyAll();
    }

    /** Whether the job was told of an error that ends it. */
    synchronized boolean hasReported() {
        return reported;
    }

    /** Tells of an error, and waits for what's done about it. */
    synchronized ErrorAction meet(Operation operation, boolean noSpace) {
        if (isAsking) {
            long mine = answers;
            await(() -> mine != answers);
        } else if (!ended) {
            isAsking = true;
            answer = Optional.empty();
            port.orElseThrow().errorMet(operation, noSpace);
            await(() -> answer.isPresent());
            last = answer.orElse(ErrorAction.REPORT);
            reported |= last == ErrorAction.REPORT;
            isAsking = false;
            answers++;
            notifyAll();
        }
        return ended ? ErrorAction.REPORT : last;
    }

    private synchronized void await(BooleanSupplier isThere) {
        boolean interrupted = false;
        while (!ended && !isThere.getAsBoolean()) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
