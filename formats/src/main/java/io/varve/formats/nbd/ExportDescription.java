package io.varve.formats.nbd;

import java.util.List;
import java.util.Set;

/**
 * What the handshake tells of an export.
 *
 * @param metaContexts the names of the meta contexts that BLOCK_STATUS can be asked for; their ids are their positions
 * @param description a sentence for a human; may be empty
 */
public record ExportDescription(
        String name,
        long sizeBytes,
        Set<TransmissionFlag> flags,
        BlockSizes blockSizes,
        List<String> metaContexts,
        String description) {}
