package io.varve.core.job;

import java.util.List;

/** What came of a {@link JobRequest}. */
public sealed interface JobAnswer {
    /** To be performed in order, before the client has its answer: so QEMU's clients see it. */
    record Accepted(List<JobEffect> effects) implements JobAnswer {
        public Accepted {
            effects = List.copyOf(effects);
        }
    }

    /** Nothing changed; in QEMU 7.2's words, of class GenericError. */
    record Refused(String text) implements JobAnswer {}
}
