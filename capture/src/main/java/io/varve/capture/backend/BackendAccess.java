package io.varve.capture.backend;

/** What a backend is opened for. */
public enum BackendAccess {
    READ_ONLY,
    READ_WRITE
}
