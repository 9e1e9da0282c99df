package io.varve.capture.job;

import io.varve.core.job.JobTable;

/** What became of a wish about a job. */
public sealed interface JobsReply {
    /** It's done, or will be soon, as events tell. */
    record Done() implements JobsReply {}

    /** There's no such job; in QEMU's words. */
    record Missing(JobTable.ErrorClass errorClass, String text) implements JobsReply {}

    /** Nothing changed; in QEMU's words where QEMU refuses it, too. */
    record Refused(String text) implements JobsReply {}
}
