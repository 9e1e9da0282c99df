package io.varve.transfer.target;

/**
 * In parts of which size an image is written, and how many of them are in memory: the head, one that's being filled,
 * and those on their way. All parts but the last have the same size, a multiple of every cluster size.
 */
public record PartPlan(int partBytes, int buffers) {
    /** Small enough for several in flight; large enough that requests cost little, and for every store's minimum. */
    public static final int PART_BYTES = 8 << 20;

    static final int BUFFERS_MIN = 3;
    private static final int STEP_BYTES = 2 << 20;
    private static final int PART_BYTES_MAX = 1 << 30;

    /** What comes of planning. */
    public sealed interface Answer {
        record Fits(PartPlan plan) implements Answer {}

        /** The parts would take more memory than there is. */
        record TooLarge(String reason) implements Answer {}
    }

    public PartPlan {
        if (partBytes < 1 || partBytes > PART_BYTES_MAX || buffers < BUFFERS_MIN) {
            throw new IllegalArgumentException(buffers + " parts of " + partBytes
                    + " bytes in memory; expected at least " + BUFFERS_MIN + ", of at most " + PART_BYTES_MAX);
        }
    }

    /**
     * Plans for an image of at most {@code imageBytes}.
     *
     * @param partsMax how many parts the target takes
     * @param memoryBytes for all parts in memory
     */
    public static Answer of(long imageBytes, int partsMax, long memoryBytes) {
        long neededBytes = (imageBytes + partsMax - 1) / partsMax;
        long partBytes = Math.max(Math.min(PART_BYTES, roundUp(imageBytes)), roundUp(neededBytes));
        long buffers = Math.min(memoryBytes / partBytes, (imageBytes + partBytes - 1) / partBytes + 1);
        if (partBytes > PART_BYTES_MAX || memoryBytes / partBytes < BUFFERS_MIN) {
            return new Answer.TooLarge("an image of up to " + imageBytes + " bytes needs parts of " + partBytes
                    + " bytes (" + partsMax + " parts at most), so " + BUFFERS_MIN * partBytes
                    + " bytes of memory for parts; it may take " + memoryBytes);
        }
        return new Answer.Fits(new PartPlan((int) partBytes, (int) Math.max(BUFFERS_MIN, buffers)));
    }

    private static long roundUp(long bytes) {
        return Math.max(1, (bytes + STEP_BYTES - 1) / STEP_BYTES) * STEP_BYTES;
    }
}
