package io.varve.schemas;

import io.varve.core.id.DriveId;
import io.varve.schemas.mapping.MarkMapping;

/** The catalog's records. */
final class CatalogMapping {
    private CatalogMapping() {}

    static io.varve.schemas.avro.CatalogEntry toAvro(CatalogEntry entry) {
        return new io.varve.schemas.avro.CatalogEntry(
                entry.drive().value(), MarkMapping.toAvro(entry.anchor()), entry.storedBytes());
    }

    static CatalogEntry toCore(io.varve.schemas.avro.CatalogEntry entry) {
        return new CatalogEntry(
                new DriveId(entry.getDrive()), MarkMapping.toCore(entry.getAnchor()), entry.getStoredBytes());
    }
}
