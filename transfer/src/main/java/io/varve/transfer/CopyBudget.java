package io.varve.transfer;

/**
 * Memory that one copy may take.
 *
 * @param readBytes for what's being read and checked
 * @param partBytes for the parts of the image: the first one, and those that are filled and written
 */
public record CopyBudget(long readBytes, long partBytes) {
    /**
     * 48 MiB, which suffices for images of about 117 GiB in a store that takes 10,000 parts, and of any size in files.
     */
    public static final CopyBudget DEFAULT = new CopyBudget(8 << 20, 40 << 20);
}
