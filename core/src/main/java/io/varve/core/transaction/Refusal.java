package io.varve.core.transaction;

/** Ends the planning of a transaction; never leaves this package. */
final class Refusal extends Exception {
    private final String description;

    Refusal(String description) {
        super(description, null, false, false);
        this.description = description;
    }

    String description() {
        return description;
    }
}
