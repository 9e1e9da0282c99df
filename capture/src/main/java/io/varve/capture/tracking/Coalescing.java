package io.varve.capture.tracking;

import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.Cut;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Generation;
import io.varve.core.event.DriveEvent;
import io.varve.core.id.BitmapName;
import java.io.IOException;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Merges sealed generations that the same bitmaps refer to, once a drive has more than a few: else bitmaps whose
 * backups never come would keep one for every cut of the others (I10).
 *
 * <p>Merged are those of one granularity and size, so that no bitmap's content changes by a bit, and a reader can be
 * sent the marks of all under the number of the last, before it hears of the merge (reliability 6.22). The cut of a
 * backup without an outcome stays as it is: its marker names the numbers.
 *
 * <p>Thread: the agent's control lock.
 */
final class Coalescing {
    private final AttachedDrive drive;

    /** Those who need a generation, and what it's made of: equal ones can be merged. */
    private record Kind(Set<Referrer> referrers, Granularity granularity, long sizeBytes) {}

    private record Referrer(BitmapName bitmap, boolean inSuccessor) {}

    private Coalescing(AttachedDrive drive) {
        this.drive = drive;
    }

    /** @throws IOException when a merge can't be made durable: it didn't happen then */
    static void run(AttachedDrive drive) throws IOException {
        if (drive.state().generations().size() - 1 > AgentOptions.GENERATIONS_MAX) {
            new Coalescing(drive).run();
        }
    }

    private void run() throws IOException {
        for (SortedSet<Long> group : groups(drive.state())) {
            long into = group.last();
            merge(new TreeSet<>(group.headSet(into)), into);
        }
    }

    private void merge(SortedSet<Long> merged, long into) throws IOException {
        try {
            Marks union = drive.kept().merge(into, merged);
            drive.append(
                    List.of(new DriveEvent.GenerationsCoalesced(merged, into, union.dirtyBytes(), union.digest())));
        } catch (IOException e) {
            drive.kept().reject(into);
            throw e;
        }
        drive.kept().adopt(into);
        merged.forEach(drive.kept()::drop);
        drive.feed().coalesced(merged, into);
    }

    private static List<SortedSet<Long>> groups(DriveState state) {
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
