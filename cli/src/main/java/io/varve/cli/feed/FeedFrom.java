package io.varve.cli.feed;

/** Where a feed begins. */
public enum FeedFrom {
    /** With the oldest record that is kept. */
    BEGINNING,
    /** With the next one that comes. */
    NOW
}
