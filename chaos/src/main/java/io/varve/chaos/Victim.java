package io.varve.chaos;

import io.varve.cli.stack.Member;
import io.varve.cli.stack.Stack;
import io.varve.cli.stack.StackRole;
import java.util.Locale;

/** A process of the stack. */
enum Victim {
    AGENT,
    BROKER,
    STREAMS,
    SINK,
    STORE;

    Member of(Stack stack) {
        return switch (this) {
            case AGENT -> stack.role(StackRole.CAPTURE).orElseThrow();
            case BROKER -> stack.broker();
            case STREAMS -> stack.role(StackRole.STREAMS).orElseThrow();
            case SINK -> stack.role(StackRole.SINK).orElseThrow();
            case STORE -> stack.store();
        };
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
