package io.varve.capture.nbd;

import io.varve.formats.nbd.BlockSizes;
import io.varve.formats.nbd.ExportDescription;
import io.varve.formats.nbd.ExportDirectory;
import java.util.List;
import java.util.Optional;

/**
 * The exports as one connection's handshake sees them; knows which one it entered.
 *
 * <p>Thread: the connection's only, but for {@link #hasEntered}.
 */
final class ConnectionDirectory implements ExportDirectory, AutoCloseable {
    private final ExportCatalog catalog;
    private final ConnectionLimits limits;
    private volatile Optional<Entered> entered = Optional.empty();

    private record Entered(String name, Export export) {}

    ConnectionDirectory(ExportCatalog catalog, ConnectionLimits limits) {
        this.catalog = catalog;
        this.limits = limits;
    }

    @Override
    public List<String> names() {
        return catalog.names();
    }

    @Override
    public Lookup find(String name) {
        return catalog.find(name)
                .<Lookup>map(export -> new Lookup.Found(description(name, export)))
                .orElseGet(() -> new Lookup.Unknown(unknown(name)));
    }

    @Override
    public Lookup enter(String name) {
        Optional<Export> found = catalog.find(name);
        if (found.isEmpty()) {
            return new Lookup.Unknown(unknown(name));
        }
        if (!limits.enter(name)) {
            return new Lookup.Refused(
                    "export '" + name + "' has " + limits.perExportMax() + " connections already, which is the most");
        }
        entered = Optional.of(new Entered(name, found.get()));
        return new Lookup.Found(description(name, found.get()));
    }

    /** Whether its connection uses an export of this name now. Safe for any thread. */
    boolean hasEntered(String name) {
        return entered.filter(e -> e.name().equals(name)).isPresent();
    }

    /** The export that was entered. */
    Export export() {
        return entered.orElseThrow().export();
    }

    @Override
    public void close() {
        entered.ifPresent(e -> limits.leave(e.name()));
        entered = Optional.empty();
    }

    private ExportDescription description(String name, Export export) {
        return new ExportDescription(
                name,
                export.sizeBytes(),
                export.flags(),
                BlockSizes.DEFAULT,
                export.metaContexts(),
                catalog.description(name));
    }

    private static String unknown(String name) {
        return "export '" + name + "' not present"; // QEMU's words
    }
}
