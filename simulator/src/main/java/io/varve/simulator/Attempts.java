package io.varve.simulator;

import io.varve.archive.BackupName;
import io.varve.core.commit.UnitId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Uploads that were begun and whose unit isn't decided: what a collector must spare. */
final class Attempts {
    /** By attempt. */
    private final Map<String, UnitId> live = new TreeMap<>();
    /** Parts under keys that several attempts use, which only a broken rule has. */
    private final Map<String, List<byte[]>> shared = new TreeMap<>();

    void begins(BackupName name, UnitId unit) {
        live.put(name.attempt().toString(), unit);
    }

    void decided(UnitId unit) {
        live.values().removeIf(unit::equals);
    }

    boolean isOfAny(String key) {
        return live.keySet().stream().anyMatch(key::contains);
    }

    /** The parts of an upload that is the next backup's of the same place in a chain, too. */
    List<byte[]> shared(BackupName name) {
        return shared.computeIfAbsent(name.drive() + "/" + name.sequence(), key -> new ArrayList<>());
    }
}
