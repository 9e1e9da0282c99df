package io.varve.core.drive;

/** Whether a drive's marks can be believed to name every write. */
public sealed interface Trust {
    record Sound() implements Trust {}

    /** Someone else may have written the drive: no increment is made until a full backup has committed. */
    record Suspect(String reason) implements Trust {}
}
