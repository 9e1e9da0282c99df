package io.varve.transfer;

import io.varve.core.bits.Marks;

/** Which clusters a copy takes. */
public sealed interface CopyPlan {
    /** All of the drive. */
    record Whole() implements CopyPlan {}

    /** What's dirty in a cut; marks finer than the image's clusters are widened to them. */
    record Cut(Marks marks) implements CopyPlan {}
}
