package io.varve.chaos;

import io.varve.cli.stack.Member;
import io.varve.cli.stack.Stack;
import io.varve.cli.stack.StackRole;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

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

    /** The JVM of it that this process has started last and that hasn't ended; empty when there is none. */
    Optional<ProcessHandle> newest() {
        return ProcessHandle.current()
                .children()
                .filter(ProcessHandle::isAlive)
                .filter(this::isOne)
                .max(Comparator.comparing(
                        (ProcessHandle child) -> child.info().startInstant().orElse(Instant.MIN)));
    }

    /** A role's verb follows its main class; the servers' main classes have their names. */
    private boolean isOne(ProcessHandle child) {
        List<String> words;
        try {
            words = List.of(Files.readString(Path.of("/proc", Long.toString(child.pid()), "cmdline"))
                    .split("\0"));
        } catch (IOException e) {
            // It has ended meanwhile.
            return false;
        }
        return switch (this) {
            case AGENT -> words.contains(StackRole.CAPTURE.verb());
            case STREAMS, SINK -> words.contains(toString());
            case BROKER -> words.contains("io.varve.embedded.broker.BrokerMain");
            case STORE -> words.contains("io.varve.embedded.store.StoreMain");
        };
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
