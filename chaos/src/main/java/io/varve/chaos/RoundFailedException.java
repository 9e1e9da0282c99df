package io.varve.chaos;

/** A promise was broken; the message says which and where. */
final class RoundFailedException extends Exception {
    private static final long serialVersionUID = 1L;

    RoundFailedException(String message) {
        super(message);
    }
}
