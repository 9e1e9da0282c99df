package io.varve.formats.qcow2;

/** What became of an attempt to read a piece of an image. */
public sealed interface Decoding<T> {

    record Decoded<T>(T value) implements Decoding<T> {}

    /** The bytes aren't such a piece of an image that Varve writes. */
    record Refused<T>(Malformed reason) implements Decoding<T> {}
}
