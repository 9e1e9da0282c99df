package io.varve.capture.job;

/**
 * Where a job's requests wait while it's paused.
 *
 * <p>Safe for any thread; an interrupt doesn't end a wait, {@link #end} does.
 */
final class JobGate {
    private boolean paused;
    private boolean ended;

    /** Whether it wasn't paused before. */
    synchronized boolean pause() {
        boolean isNews = !paused && !ended;
        paused = true;
        return isNews;
    }

    synchronized void resume() {
        paused = false;
        notifyAll();
    }

    synchronized boolean isPaused() {
        return paused;
    }

    /** The job ends: nothing waits any more. */
    synchronized void end() {
        ended = true;
        notifyAll();
    }

    /**
     * Waits while the job is paused.
     *
     * @return whether the job goes on
     */
    synchronized boolean pass() {
        boolean interrupted = false;
        while (paused && !ended) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return !ended;
    }
}
