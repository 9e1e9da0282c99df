package io.varve.capture.nbd;

import java.util.List;
import java.util.Optional;

/**
 * The exports of a server, by name.
 *
 * <p>Safe for any thread.
 */
public interface ExportCatalog {

    Optional<Export> find(String name);

    /** A sentence about an export for a human; empty when there's none. */
    String description(String name);

    /** The names that clients are told, in a stable order. */
    List<String> names();
}
