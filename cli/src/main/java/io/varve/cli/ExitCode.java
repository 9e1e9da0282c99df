package io.varve.cli;

/** What the process tells scripts when it ends. */
public enum ExitCode {
    /** The verb did what it was asked to do. */
    DONE(0),
    /** It could not; one sentence on standard error says why. */
    FAILED(1),
    /** The command line was wrong; nothing was done. */
    MISUSED(2);

    private final int code;

    ExitCode(int code) {
        this.code = code;
    }

    /** The number for the operating system. */
    public int code() {
        return code;
    }
}
