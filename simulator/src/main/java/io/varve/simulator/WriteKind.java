package io.varve.simulator;

/** What a guest does to a range of its drive. */
enum WriteKind {
    WRITE,
    TRIM,
    WRITE_ZEROES
}
