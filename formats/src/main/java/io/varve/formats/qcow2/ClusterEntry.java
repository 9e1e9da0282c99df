package io.varve.formats.qcow2;

/** What an image says of one cluster. */
public sealed interface ClusterEntry {

    /** Nothing: the backing file shows through. */
    record Unallocated() implements ClusterEntry {}

    /** It reads as zeros. */
    record Zero() implements ClusterEntry {}

    /** Its bytes stand in the file, one whole cluster. */
    record Data(long hostOffsetBytes) implements ClusterEntry {}

    Unallocated UNALLOCATED = new Unallocated();
    Zero ZERO = new Zero();
}
