package io.varve.simulator;

/** When a write marks the open generation. Only the first is right. */
enum MarkMoment {
    BEFORE_EFFECT,
    AFTER_EFFECT,
    AT_COMPLETION
}
