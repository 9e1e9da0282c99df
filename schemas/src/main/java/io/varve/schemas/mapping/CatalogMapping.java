package io.varve.schemas.mapping;

import io.varve.core.id.DriveId;
import io.varve.schemas.CatalogEntry;

/** The catalog's records. */
public final class CatalogMapping {
    private CatalogMapping() {}

    public static io.varve.schemas.avro.CatalogEntry toAvro(CatalogEntry entry) {
        return new io.varve.schemas.avro.CatalogEntry(
                entry.drive().value(), MarkMapping.toAvro(entry.anchor()), entry.storedBytes());
    }

    public static CatalogEntry toCore(io.varve.schemas.avro.CatalogEntry entry) {
        return new CatalogEntry(
                new DriveId(entry.getDrive()), MarkMapping.toCore(entry.getAnchor()), entry.getStoredBytes());
    }
}
