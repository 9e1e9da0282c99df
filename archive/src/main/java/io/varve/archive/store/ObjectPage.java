package io.varve.archive.store;

import java.util.List;
import java.util.Optional;

/**
 * A page of a listing, in the order of the keys.
 *
 * @param next where the next page begins: pass it as {@code after}; empty on the last page
 */
public record ObjectPage(List<ObjectSummary> objects, Optional<ObjectKey> next) {
    public ObjectPage {
        objects = List.copyOf(objects);
    }
}
