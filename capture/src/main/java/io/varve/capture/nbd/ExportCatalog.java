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

    /** The names that clients are told, in a stable order. */
    List<String> names();
}
