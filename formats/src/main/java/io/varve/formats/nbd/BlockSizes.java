package io.varve.formats.nbd;

/** The block size constraints of an export, in bytes (proto.md, "Block size constraints"). */
public record BlockSizes(int minimumBytes, int preferredBytes, long maximumBytes) {
    /** Any alignment, 4 KiB liked best, 32 MiB at most: what's assumed of a server that doesn't tell. */
    public static final BlockSizes DEFAULT = new BlockSizes(1, 4096, NbdLimits.REQUEST_BYTES_MAX);
}
