package io.varve.core.drive;

import io.varve.core.bits.Granularity;
import io.varve.core.id.BitmapName;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Sealed generations that can be merged: those of one granularity and size that the same bitmaps refer to, so that no
 * bitmap's content changes by a bit. The cut of a backup without an outcome stays as it is: its marker names the
 * numbers.
 */
public final class EqualGenerations {
    private EqualGenerations() {}

    /** Those who need a generation, and what it's made of. */
    private record Kind(Set<Referrer> referrers, Granularity granularity, long sizeBytes) {}

    private record Referrer(BitmapName bitmap, boolean inSuccessor) {}

    /** Groups of at least two each. */
    public static List<SortedSet<Long>> of(DriveState state) {
        Set<Long> named = new HashSet<>();
        state.undecided()
                .values()
                .forEach(u -> u.mark().cut().map(Cut::generations).ifPresent(named::addAll));
        Map<Kind, SortedSet<Long>> groups = new LinkedHashMap<>();
        for (Generation generation : state.generations().values()) {
            if (generation.seal().isPresent() && !named.contains(generation.number())) {
                Kind kind = new Kind(referrers(state, generation), generation.granularity(), generation.sizeBytes());
                groups.computeIfAbsent(kind, k -> new TreeSet<>()).add(generation.number());
            }
        }
        return groups.values().stream().filter(group -> group.size() > 1).toList();
    }

    private static Set<Referrer> referrers(DriveState state, Generation generation) {
        Set<Referrer> referrers = new HashSet<>();
        for (Bitmap bitmap : state.bitmaps().values()) {
            if (bitmap.generations().contains(generation.number())) {
                referrers.add(new Referrer(bitmap.name(), false));
            }
            if (bitmap.status() instanceof BitmapStatus.Busy busy
                    && busy.successor().contains(generation.number())) {
                referrers.add(new Referrer(bitmap.name(), true));
            }
        }
        return referrers;
    }
}
