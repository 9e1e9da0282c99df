package io.varve.chaos;

/**
 * What befalls a process.
 *
 * @see RoundPlan
 */
sealed interface Fault {
    Victim victim();

    /** {@code kill -9}, and after a while it's started again. */
    record Kill(Victim victim, int downMillis) implements Fault {
        @Override
        public String toString() {
            return "kill -9 of the " + victim + ", down for " + downMillis + " ms";
        }
    }

    /** {@code kill -9}, and again while the next process starts, if it isn't done with that by then. */
    record KillTwice(Victim victim, int startedMillis) implements Fault {
        @Override
        public String toString() {
            return "kill -9 of the " + victim + ", and again " + startedMillis + " ms into its start";
        }
    }

    /** SIGSTOP, and after a while SIGCONT. */
    record Pause(Victim victim, int millis) implements Fault {
        @Override
        public String toString() {
            return "SIGSTOP of the " + victim + " for " + millis + " ms";
        }
    }
}
