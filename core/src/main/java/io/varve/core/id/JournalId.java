package io.varve.core.id;

import java.util.UUID;

/** An agent's durable record of a drive; generations and control events are numbered within it. */
public record JournalId(UUID value) {
    @Override
    public String toString() {
        return value.toString();
    }
}
