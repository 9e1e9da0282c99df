package io.varve.capture.backend;

import java.util.Optional;

/** What a fault rule waits for, named as QEMU's blkdebug names it (QEMU's docs/devel/blkdebug.txt). */
public enum FaultEvent {
    /** A read begins. */
    READ_AIO("read_aio"),
    /** A write begins; WRITE_ZEROES and TRIM count as writes, which they don't in QEMU. */
    WRITE_AIO("write_aio"),
    /** A flush begins. */
    FLUSH_TO_DISK("flush_to_disk");

    private final String text;

    FaultEvent(String text) {
        this.text = text;
    }

    /** The event that QEMU calls so; empty for those that only its own formats have. */
    public static Optional<FaultEvent> of(String text) {
        for (FaultEvent event : values()) {
            if (event.text.equals(text)) {
                return Optional.of(event);
            }
        }
        return Optional.empty();
    }

    @Override
    public String toString() {
        return text;
    }
}
