package io.varve.capture.publish;

/** What became of records that were sent. */
sealed interface Delivery {
    /** The broker has all of them, in order. */
    record Acknowledged() implements Delivery {}

    /** The broker takes no such record, however often it's sent. */
    record Unfit(String reason) implements Delivery {}

    /** Nobody knows whether the broker has them: they are to be sent again, by a new producer. */
    record Lost(String reason) implements Delivery {}
}
