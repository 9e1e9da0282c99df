package io.varve.core.id;

import java.util.UUID;

/** One attachment of an agent to a drive: random, chosen when it attaches. */
public record IncarnationId(UUID value) {
    @Override
    public String toString() {
        return value.toString();
    }
}
