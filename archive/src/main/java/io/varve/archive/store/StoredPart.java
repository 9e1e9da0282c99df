package io.varve.archive.store;

/** One stored part of an object. */
public record StoredPart(long lengthBytes, Sha256 sha256) {}
