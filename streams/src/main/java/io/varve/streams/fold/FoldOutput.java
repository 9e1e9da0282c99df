package io.varve.streams.fold;

import io.varve.core.commit.Outcome;
import io.varve.core.commit.UnitInput;

/** What the fold says, and to whom. */
public sealed interface FoldOutput {
    /** The record's key is the unit. */
    record ToUnit(UnitInput input) implements FoldOutput {}

    /** The record's key is the drive. */
    record ToAgent(Outcome outcome) implements FoldOutput {}
}
