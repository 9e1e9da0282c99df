package io.varve.simulator;

import io.varve.archive.BackupName;
import java.util.Set;
import java.util.TreeSet;

/** Uploads that were begun and whose unit isn't decided: what a collector must spare. */
final class Attempts {
    private final Set<String> begun = new TreeSet<>();

    void begins(BackupName name) {
        begun.add(name.attempt().toString());
    }

    boolean isOfAny(String key) {
        return begun.stream().anyMatch(key::contains);
    }
}
