package io.varve.capture.backend.qcow2;

/** A run of bytes that an image itself holds, as data or as zeros, or that it leaves to what lies under it. */
public record OwnExtent(long lengthBytes, boolean isAllocated) {}
