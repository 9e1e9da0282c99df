package io.varve.core.drive;

/** Whether new writes join a bitmap. */
public enum Recording {
    ENABLED,
    DISABLED
}
