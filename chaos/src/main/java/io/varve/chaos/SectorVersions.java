package io.varve.chaos;

/**
 * Of which write each sector of a territory is: its version, or {@link SectorContent#ZEROS}. Thread: its owner's only.
 */
final class SectorVersions {
    private final int[] versions;

    private SectorVersions(int[] versions) {
        this.versions = versions;
    }

    static SectorVersions ofZeros(int sectors) {
        return new SectorVersions(new int[sectors]);
    }

    SectorVersions copy() {
        return new SectorVersions(versions.clone());
    }

    int get(int sector) {
        return versions[sector];
    }

    void set(int sector, int version) {
        versions[sector] = version;
    }
}
