package io.varve.chaos;

import io.varve.formats.nbd.NbdUri;
import io.varve.transfer.nbd.Durability;
import io.varve.transfer.nbd.NbdClient;
import io.varve.transfer.nbd.NbdClientOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * Writes 4 KiB at random places of its territory as fast as it can, and remembers what each sector holds. Thread: its
 * owner's only.
 */
final class BusyWriter {
    private static final int SECTORS_PER_WRITE = 8;
    private static final int WRITE_BYTES = SECTORS_PER_WRITE * SectorContent.SECTOR_BYTES;

    private final Territory territory;
    private final SectorVersions versions;
    private final SplittableRandom random;
    private int version;

    BusyWriter(Territory territory, SplittableRandom random) {
        this.territory = territory;
        this.versions = SectorVersions.ofZeros(territory.sectors());
        this.random = random;
    }

    /** Writes so often; throws when a guest would see an error. */
    void write(NbdUri uri, int count) throws IOException {
        ByteBuffer data = ByteBuffer.allocate(WRITE_BYTES);
        try (NbdClient client = NbdClient.connect(uri, List.of(), NbdClientOptions.DEFAULT)) {
            for (int index = 0; index < count; index++) {
                version++;
                int first = random.nextInt(territory.sectors() / SECTORS_PER_WRITE) * SECTORS_PER_WRITE;
                data.clear();
                for (int sector = first; sector < first + SECTORS_PER_WRITE; sector++) {
                    territory.content().put(data, territory.firstSector() + sector, version);
                    versions.set(sector, version);
                }
                long offsetBytes = (territory.firstSector() + first) * SectorContent.SECTOR_BYTES;
                client.write(offsetBytes, data.flip(), Durability.CACHED);
            }
        }
    }

    /** The first of its sectors in which a raw image isn't what it wrote; empty when there is none. */
    Optional<String> objection(FileChannel raw) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(territory.lengthBytes());
        while (bytes.hasRemaining()) {
            if (raw.read(bytes, territory.offsetBytes() + bytes.position()) < 0) {
                return Optional.of("the restored image ends within territory " + territory);
            }
        }
        for (int sector = 0; sector < territory.sectors(); sector++) {
            int at = sector * SectorContent.SECTOR_BYTES;
            if (!territory.content().isAt(bytes, at, territory.firstSector() + sector, versions.get(sector))) {
                return Optional.of("sector " + (territory.firstSector() + sector) + " of " + territory
                        + " isn't version " + versions.get(sector) + ", but says it's "
                        + SectorContent.claimedVersion(bytes, at));
            }
        }
        return Optional.empty();
    }
}
