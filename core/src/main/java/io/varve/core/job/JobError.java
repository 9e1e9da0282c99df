package io.varve.core.job;

/**
 * Why a job failed.
 *
 * @param text as QEMU says it, mostly the operating system's words; a client may compare it
 * @param reason our whole sentence: what, where, and the next step
 */
public record JobError(String text, String reason) {
    private static final String INPUT_OUTPUT = "Input/output error";
    private static final String NO_SPACE = "No space left on device";
    private static final String CANCELED = "Operation canceled";

    /** An error of input or output. */
    public static JobError io(boolean noSpace, String reason) {
        return new JobError(noSpace ? NO_SPACE : INPUT_OUTPUT, reason);
    }

    /** QEMU's own sentence is the whole reason. */
    public static JobError of(String text) {
        return new JobError(text, text);
    }

    /** It was cancelled, or another job of its group failed. */
    public static JobError cancelled() {
        return of(CANCELED);
    }
}
