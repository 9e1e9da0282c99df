package io.varve.core.reader;

import io.varve.core.commit.Outcome;
import io.varve.core.commit.UnitInput;

/** What a reader of the log says, and to whom. */
public sealed interface FoldOutput {
    /**
     * For the unit.
     *
     * @param unit its name, which is the key
     */
    record ToUnit(String unit, UnitInput input) implements FoldOutput {}

    /** The agent of the drive that the outcome names. */
    record ToAgent(Outcome outcome) implements FoldOutput {}

    /** A warning for whoever runs the reader. */
    record Warning(String text) implements FoldOutput {}
}
