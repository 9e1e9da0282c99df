package io.varve.simulator;

import java.util.List;

/**
 * What a drive may hold at a cut: the image then, where writes that weren't acknowledged may be in or out.
 *
 * @param blocks the image at the cut
 * @param pending writes that were begun and not ended, or whose outcome nobody knows
 * @param foreignWrites of strangers, which the promise of a cut doesn't cover, so far
 */
record LegalState(Blocks blocks, List<GuestWrite> pending, int foreignWrites) {
    /** What is wrong with {@code restored}; the empty text when nothing is. */
    String objection(Blocks restored) {
        if (restored.count() != blocks.count()) {
            return "has " + restored.count() + " blocks, not " + blocks.count();
        }
        for (int block = 0; block < blocks.count(); block++) {
            if (restored.get(block) != blocks.get(block) && !GuestWrite.mayLeave(pending, block, restored.get(block))) {
                return "holds " + restored.get(block) + " in block " + block + "; legal is " + blocks.get(block)
                        + " or one of " + pending;
            }
        }
        return "";
    }
}
