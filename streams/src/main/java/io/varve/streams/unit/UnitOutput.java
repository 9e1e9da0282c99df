package io.varve.streams.unit;

import io.varve.core.commit.Outcome;
import io.varve.core.commit.Task;
import io.varve.core.commit.UnitState;

/** What a unit says, and to whom. */
public sealed interface UnitOutput {
    /** The record's key is the unit, with the drive for a copy: so copies spread over the queue's partitions. */
    record ToSinks(Task task) implements UnitOutput {}

    /** The record's key is the drive. */
    record ToAgent(Outcome.Decided decided) implements UnitOutput {}

    /** The unit's state, changed; the record's key is the unit. */
    record Changed(UnitState state) implements UnitOutput {}
}
