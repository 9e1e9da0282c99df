package io.varve.capture.backend.qcow2;

/** What became of a request about an image's bitmaps. */
public sealed interface BitmapOutcome<T> {

    record Done<T>(T value) implements BitmapOutcome<T> {}

    /** Nothing was changed; {@code reason} is a sentence, as QEMU words it where it has one. */
    record Refused<T>(String reason) implements BitmapOutcome<T> {}
}
