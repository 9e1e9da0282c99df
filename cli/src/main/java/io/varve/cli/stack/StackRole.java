package io.varve.cli.stack;

import java.util.Locale;

/** The roles that a stack runs beside its servers, each by the verb of its name. */
public enum StackRole {
    /** Folds the log and gathers sync points. */
    STREAMS(128),
    /** Copies backups into the archive. */
    SINK(160),
    /** The agent: serves the drives. Isn't started without a drive. */
    CAPTURE(192);

    private final int heapMaxMebibytes;

    StackRole(int heapMaxMebibytes) {
        this.heapMaxMebibytes = heapMaxMebibytes;
    }

    /** The verb, which names the log and the member as well. */
    public String verb() {
        return name().toLowerCase(Locale.ROOT);
    }

    int heapMaxMebibytes() {
        return heapMaxMebibytes;
    }
}
