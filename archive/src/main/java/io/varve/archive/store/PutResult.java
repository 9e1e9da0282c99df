package io.varve.archive.store;

/** What became of a conditional put. */
public sealed interface PutResult {
    /** The object wasn't there and is now. */
    record Created() implements PutResult {}

    /** The key has an object already; nothing was written. */
    record Exists() implements PutResult {}
}
