package io.varve.capture.job;

/** Ends the opening of a target; never leaves this package. */
final class RefusedTargetException extends Exception {
    private static final long serialVersionUID = 1L;
    private final String description;

    RefusedTargetException(String description) {
        super(description, null, false, false);
        this.description = description;
    }

    String description() {
        return description;
    }
}
