package io.varve.cli;

/** A verb can't do what it was asked to; the message is the whole sentence that the user reads. */
public final class VerbFailedException extends Exception {

    /** The message says what failed, where, and what to do next. */
    public VerbFailedException(String message) {
        super(message);
    }

    /** As above, with the cause that {@code --debug} shows. */
    public VerbFailedException(String message, Throwable cause) {
        super(message, cause);
    }
}
