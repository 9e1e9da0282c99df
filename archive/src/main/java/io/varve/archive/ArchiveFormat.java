package io.varve.archive;

/** The version of what this code writes into an archive; it reads no other. */
final class ArchiveFormat {
    static final int VERSION = 1;

    private ArchiveFormat() {}
}
