package io.varve.formats.nbd;

/** What became of an attempt to decode a message from the bytes received so far. */
public sealed interface Decoding<T> {

    /** A whole message; its bytes are consumed. */
    record Decoded<T>(T message) implements Decoding<T> {}

    /** Nothing is consumed; try again when {@code missingBytes} more are there at least. */
    record NeedMore<T>(int missingBytes) implements Decoding<T> {}

    /** The peer doesn't keep to the protocol: drop it. */
    record Malformed<T>(String reason) implements Decoding<T> {}
}
