package io.varve.core.activity;

import io.varve.core.Invariant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The rules of a drive's activity log: which regions are hot, what must be durable before a write goes on, and what may
 * be forgotten (design.md section 3; reliability.md section 6, rules 6 and 16).
 *
 * <pre>
 *   region     not listed --propose--> PROPOSED --recorded--> HOT --choose--> RETIRING --retired--> not listed
 *                                                              ^                 |
 *                                                              +--wanted, or in flight: settle
 *
 *   record     propose → the record is made durable → recorded: the writes that it lets go on
 *   retirement choose: the regions are cold now, so that new writes ask → those who asked before have registered in
 *              flight → settle: what has a write in flight stays → the marks of all generations that aren't durably
 *              sealed are made durable → retired: they're left out of the next record
 * </pre>
 *
 * <p>The order of a retirement is what it's worth: were the marks made durable first, a write between that and the
 * choice would have neither. A region that is wanted while it retires is hot again at once, since the last durable
 * record has it.
 *
 * <p>A write of more than {@value #NARROW_REGIONS_MAX} regions is listed as one span, and always asks. A write that
 * waits to go on holds no region back, else two that wait for each other's could wait for ever: all that it touches is
 * looked at again when it's let go on.
 *
 * <p>Thread: one at a time, but for the {@link HotRegions}, which writes look at. Steps of a record and of a retirement
 * don't overlap; {@link #want} may come between any of them.
 */
public final class ActivityTable {
    /** How many regions a write may touch and have them listed one by one. */
    public static final int NARROW_REGIONS_MAX = 16;

    private static final int ROOM_MIN = 32;
    private static final int SPANS_MAX = 16;

    private final HotRegions hot;
    private final int hotMax;
    private final int room;
    private final Map<RegionSpan, Phase> listed = new LinkedHashMap<>();
    private final Deque<Want> waiting = new ArrayDeque<>();
    private final List<Want> recording = new ArrayList<>();
    private final Set<RegionSpan> retiring = new HashSet<>();
    private int spans;

    private enum Phase {
        PROPOSED,
        HOT,
        RETIRING
    }

    /**
     * A write that wants to go on.
     *
     * @param slot of the write in the table of those in flight
     * @param id tells one want from another
     */
    public record Want(int slot, RegionSpan span, long id) {}

    /** @param hotMax how many regions may stay hot while nobody needs room; a few more are while they retire */
    public ActivityTable(HotRegions hot, int hotMax) {
        Invariant.check(hotMax > 0, "one hot region at least, not " + hotMax);
        this.hot = hot;
        this.hotMax = hotMax;
        this.room = capacity(hotMax) - hotMax;
    }

    /** How many spans a record has at most. */
    public static int capacity(int hotMax) {
        return hotMax + Math.max(ROOM_MIN, hotMax / 8);
    }

    /** Whether the write may go on at once; else it waits until {@link #recorded} names it. */
    public boolean want(Want want) {
        List<RegionSpan> parts = parts(want.span());
        boolean isListed = parts.stream().map(listed::get).allMatch(p -> p == Phase.HOT || p == Phase.RETIRING);
        if (!isListed) {
            waiting.add(want);
            return false;
        }
        parts.stream().filter(part -> listed.get(part) == Phase.RETIRING).forEach(this::revive);
        return true;
    }

    /** As {@link #want}, of a write that waits for the next record in any case. */
    public void wantRecord(Want want) {
        waiting.add(want);
    }

    public boolean hasWaiting() {
        return !waiting.isEmpty();
    }

    /** Whether a write with this slot waits, and so hasn't touched the image. */
    public BitSet waitingSlots() {
        BitSet slots = new BitSet();
        waiting.stream().filter(want -> want.slot() >= 0).forEach(want -> slots.set(want.slot()));
        return slots;
    }

    /**
     * What the next record has to hold; empty when nobody waits, or there's no room. As many writes as there is room
     * for, the first first.
     */
    public Optional<List<RegionSpan>> propose() {
        Invariant.check(recording.isEmpty() && retiring.isEmpty(), "no other step to be under way");
        while (!waiting.isEmpty()) {
            List<RegionSpan> missing = parts(waiting.getFirst().span()).stream()
                    .filter(part -> !listed.containsKey(part))
                    .toList();
            if (listed.size() + missing.size() > hotMax + room) {
                break;
            }
            missing.forEach(part -> list(part, Phase.PROPOSED));
            recording.add(waiting.removeFirst());
        }
        return recording.isEmpty() ? Optional.empty() : Optional.of(List.copyOf(listed.keySet()));
    }

    /** What was proposed is durable: the writes that go on. */
    public List<Want> recorded() {
        for (Want want : recording) {
            parts(want.span()).forEach(part -> {
                listed.put(part, Phase.HOT);
                heat(part);
            });
        }
        List<Want> goOn = List.copyOf(recording);
        recording.clear();
        return goOn;
    }

    /** Whether regions are to be retired: ahead of need, so that a write seldom waits for it. */
    public boolean isCrowded() {
        return listed.size() > hotMax + room / 2 || spans > SPANS_MAX || (!waiting.isEmpty() && listed.size() > hotMax);
    }

    /** Chooses regions to retire: those that were used longest ago, roughly. They're cold from now on. */
    public void choose() {
        Invariant.check(recording.isEmpty() && retiring.isEmpty(), "no other step to be under way");
        List.copyOf(listed.keySet()).stream().filter(span -> span.count() > 1).forEach(this::retire);
        // Each is looked at once to find it used, and again to find that it wasn't since.
        for (int look = 0; look < 3; look++) {
            for (RegionSpan region : List.copyOf(listed.keySet())) {
                if (listed.size() - retiring.size() <= hotMax) {
                    return;
                }
                if (listed.get(region) == Phase.HOT) {
                    look(region);
                }
            }
        }
    }

    private void look(RegionSpan region) {
        if (hot.cool(region.first())) {
            retire(region);
        } else {
            // Behind the others, which weren't looked at for longer.
            listed.remove(region);
            listed.put(region, Phase.HOT);
        }
    }

    /** Those of the chosen regions that a write in flight touches stay hot. */
    public void settle(BitSet regionsInFlight) {
        for (RegionSpan span : Set.copyOf(retiring)) {
            int next = regionsInFlight.nextSetBit(span.first());
            if (next >= 0 && next < span.end()) {
                revive(span);
            }
        }
    }

    /** Whether chosen regions are left that may be retired once the marks are durable. */
    public boolean isRetiring() {
        return !retiring.isEmpty();
    }

    /** The marks are durable: what is still to be retired is forgotten. */
    public void retired() {
        for (RegionSpan span : retiring) {
            listed.remove(span);
            spans -= span.count() > 1 ? 1 : 0;
        }
        retiring.clear();
    }

    /** How many spans are listed. */
    public int size() {
        return listed.size();
    }

    private void list(RegionSpan span, Phase phase) {
        listed.put(span, phase);
        spans += span.count() > 1 ? 1 : 0;
    }

    private void retire(RegionSpan span) {
        listed.put(span, Phase.RETIRING);
        retiring.add(span);
    }

    private void revive(RegionSpan span) {
        listed.put(span, Phase.HOT);
        retiring.remove(span);
        heat(span);
    }

    private void heat(RegionSpan span) {
        if (span.count() == 1) {
            hot.heat(span.first());
        }
    }

    private static List<RegionSpan> parts(RegionSpan span) {
        if (span.count() > NARROW_REGIONS_MAX) {
            return List.of(span);
        }
        List<RegionSpan> parts = new ArrayList<>();
        for (int region = span.first(); region < span.end(); region++) {
            parts.add(new RegionSpan(region, 1));
        }
        return parts;
    }
}
