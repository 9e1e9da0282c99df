package io.varve.core.job;

/** What a user asks of a job. */
public sealed interface JobRequest {
    JobVerb verb();

    /**
     * job-cancel always forces; block-job-cancel does when told to. Unforced, a job that's ready ends well, as it is;
     * for all others it's the same.
     */
    record Cancel(boolean force) implements JobRequest {
        @Override
        public JobVerb verb() {
            return JobVerb.CANCEL;
        }
    }

    record Pause() implements JobRequest {
        @Override
        public JobVerb verb() {
            return JobVerb.PAUSE;
        }
    }

    /** Also tries again what an error stopped. */
    record Resume() implements JobRequest {
        @Override
        public JobVerb verb() {
            return JobVerb.RESUME;
        }
    }

    /**
     * Limits its speed.
     *
     * @param bytesPerSecond 0 for no limit
     */
    record SetSpeed(long bytesPerSecond) implements JobRequest {
        @Override
        public JobVerb verb() {
            return JobVerb.SET_SPEED;
        }
    }

    /** Ends a job that's ready by switching over to its target. */
    record Complete() implements JobRequest {
        @Override
        public JobVerb verb() {
            return JobVerb.COMPLETE;
        }
    }

    /** Finalizes all of its group. */
    record Finalize() implements JobRequest {
        @Override
        public JobVerb verb() {
            return JobVerb.FINALIZE;
        }
    }

    record Dismiss() implements JobRequest {
        @Override
        public JobVerb verb() {
            return JobVerb.DISMISS;
        }
    }
}
