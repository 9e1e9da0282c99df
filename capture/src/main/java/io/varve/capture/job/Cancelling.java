package io.varve.capture.job;

/** What became of the wish to cancel a job. */
public sealed interface Cancelling {
    /** It will end soon, unless it was about to succeed anyway; its end is told as an event. */
    record Asked() implements Cancelling {}

    record Unknown() implements Cancelling {}

    /** It's ending already. */
    record Refused(String description) implements Cancelling {}
}
