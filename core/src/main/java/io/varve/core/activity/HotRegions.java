package io.varve.core.activity;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * What a write asks first: whether the regions that it touches are hot, that is, stand in the durable log.
 *
 * <pre>
 *   COLD --heat--> USED --cool--> IDLE --cool--> COLD
 *                    ^             |
 *                    +----use------+
 * </pre>
 *
 * <p>A write into hot regions reads two words a region, and stores one only when it's the region's first since
 * {@link #cool} last looked. A byte a region, in pages that are made when one of their regions becomes hot, and stay.
 *
 * <p>Thread: {@link #use} from any thread; the others from one at a time.
 */
public final class HotRegions {
    private static final VarHandle STATES = MethodHandles.arrayElementVarHandle(byte[].class);
    private static final int PAGE_SHIFT = 14;
    private static final int PAGE_REGIONS = 1 << PAGE_SHIFT;
    private static final int PAGES = 1 << 13;

    private static final byte COLD = 0;
    private static final byte IDLE = 1;
    private static final byte USED = 2;

    private final AtomicReferenceArray<byte[]> pages = new AtomicReferenceArray<>(PAGES);

    /**
     * Whether all regions from {@code first} to {@code last} are hot; then they count as used. A write that isn't in
     * flight by then may not rely on it.
     */
    public boolean use(int first, int last) {
        for (int region = first; region <= last; region++) {
            if (!use(region)) {
                return false;
            }
        }
        return true;
    }

    private boolean use(int region) {
        int number = region >>> PAGE_SHIFT;
        byte[] page = number < PAGES ? pages.get(number) : null;
        if (page == null) {
            return false;
        }
        int index = region & (PAGE_REGIONS - 1);
        byte state = (byte) STATES.getVolatile(page, index);
        return state == USED || (state == IDLE && STATES.compareAndSet(page, index, IDLE, USED)) || isUsed(page, index);
    }

    /** Another write may have been the first. */
    private static boolean isUsed(byte[] page, int index) {
        return (byte) STATES.getVolatile(page, index) == USED;
    }

    /** The region is hot and used from now on. Does nothing for one beyond 512 TiB, which is never found hot. */
    void heat(int region) {
        int number = region >>> PAGE_SHIFT;
        if (number < PAGES) {
            if (pages.get(number) == null) {
                pages.set(number, new byte[PAGE_REGIONS]);
            }
            STATES.setVolatile(pages.get(number), region & (PAGE_REGIONS - 1), USED);
        }
    }

    /** Whether the region is cold now: it wasn't used since the last look at it. */
    boolean cool(int region) {
        int number = region >>> PAGE_SHIFT;
        byte[] page = number < PAGES ? pages.get(number) : null;
        if (page == null) {
            return true;
        }
        int index = region & (PAGE_REGIONS - 1);
        if (STATES.compareAndSet(page, index, IDLE, COLD)) {
            return true;
        }
        boolean wasUsed = STATES.compareAndSet(page, index, USED, IDLE);
        return !wasUsed && (byte) STATES.getVolatile(page, index) == COLD;
    }
}
