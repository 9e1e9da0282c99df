package io.varve.capture.journal;

import io.varve.core.event.LogRecord;

/** How log records are written as bytes. Thread: safe for any thread. */
public interface RecordCodec {
    byte[] encode(LogRecord record);

    /**
     * The record that {@link #encode} wrote, perhaps by an older version.
     *
     * @throws IllegalArgumentException when the bytes aren't a record
     */
    LogRecord decode(byte[] bytes);
}
