package io.varve.capture.export;

import io.varve.capture.nbd.Export;
import io.varve.capture.nbd.ExportCatalog;
import io.varve.capture.nbd.ExportRegistry;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;

/** The exports of a server, listed in the order in which they came, as QEMU does. Safe for any thread. */
final class ListedExports implements ExportCatalog {
    private final ExportRegistry registry = new ExportRegistry();
    private final List<String> names = new CopyOnWriteArrayList<>();

    void add(String name, Export export, String description) {
        registry.add(name, export, description);
        names.add(name);
    }

    void remove(String name) {
        names.remove(name);
        registry.remove(name);
    }

    @Override
    public Optional<Export> find(String name) {
        return registry.find(name);
    }

    @Override
    public String description(String name) {
        return registry.description(name);
    }

    @Override
    public List<String> names() {
        return List.copyOf(names);
    }
}
