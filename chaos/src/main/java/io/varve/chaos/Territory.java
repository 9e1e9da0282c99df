package io.varve.chaos;

/**
 * The sectors that one writer alone writes.
 *
 * @param firstSector of the drive
 * @param content what its writes put there
 */
record Territory(String drive, int writer, long firstSector, int sectors, SectorContent content) {
    long offsetBytes() {
        return firstSector * SectorContent.SECTOR_BYTES;
    }

    int lengthBytes() {
        return sectors * SectorContent.SECTOR_BYTES;
    }

    @Override
    public String toString() {
        return drive + "/" + writer;
    }
}
