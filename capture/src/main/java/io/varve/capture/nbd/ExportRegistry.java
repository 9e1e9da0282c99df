package io.varve.capture.nbd;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * Exports that come and go.
 *
 * <p>Safe for any thread.
 */
public final class ExportRegistry implements ExportCatalog {
    private final ConcurrentSkipListMap<String, Registered> exports = new ConcurrentSkipListMap<>();

    private record Registered(RetirableExport export, String description) {}

    /** Adds an export that has no description; as {@link #add(String, Export, String)}. */
    public void add(String name, Export export) {
        add(name, export, "");
    }

    /**
     * Adds an export.
     *
     * @param description a sentence for a human, which clients are told
     * @throws IllegalArgumentException when the name is taken
     */
    public void add(String name, Export export, String description) {
        if (exports.putIfAbsent(name, new Registered(new RetirableExport(name, export), description)) != null) {
            throw new IllegalArgumentException("an export named '" + name + "' exists already");
        }
    }

    /**
     * Takes an export away: it isn't found any more, and further requests of those who have it open fail with
     * ESHUTDOWN. Requests that have begun may still be running when this returns. Does nothing when there's none.
     */
    public void remove(String name) {
        Optional.ofNullable(exports.remove(name))
                .ifPresent(registered -> registered.export().retire());
    }

    @Override
    public Optional<Export> find(String name) {
        return Optional.ofNullable(exports.get(name)).map(Registered::export);
    }

    @Override
    public String description(String name) {
        return Optional.ofNullable(exports.get(name))
                .map(Registered::description)
                .orElse("");
    }

    @Override
    public List<String> names() {
        return List.copyOf(exports.keySet());
    }
}
