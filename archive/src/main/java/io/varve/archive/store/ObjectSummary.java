package io.varve.archive.store;

/** An object as a listing shows it. */
public record ObjectSummary(ObjectKey key, long lengthBytes) {}
