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
    private final ConcurrentSkipListMap<String, RetirableExport> exports = new ConcurrentSkipListMap<>();

    /**
     * Adds an export.
     *
     * @throws IllegalArgumentException when the name is taken
     */
    public void add(String name, Export export) {
        if (exports.putIfAbsent(name, new RetirableExport(name, export)) != null) {
            throw new IllegalArgumentException("an export named '" + name + "' exists already");
        }
    }

    /**
     * Takes an export away: it isn't found any more, and further requests of those who have it open fail with
     * ESHUTDOWN. Requests that have begun may still be running when this returns. Does nothing when there's none.
     */
    public void remove(String name) {
        Optional.ofNullable(exports.remove(name)).ifPresent(RetirableExport::retire);
    }

    @Override
    public Optional<Export> find(String name) {
        return Optional.ofNullable(exports.get(name));
    }

    @Override
    public List<String> names() {
        return List.copyOf(exports.keySet());
    }
}
