package io.varve.capture.tracking;

import io.varve.core.bits.Marks;
import io.varve.core.drive.EqualGenerations;
import io.varve.core.event.DriveEvent;
import io.varve.core.feed.Feed;
import java.io.IOException;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Merges sealed generations that the same bitmaps refer to, once a drive has more than a few: else bitmaps whose
 * backups never come would keep one for every cut of the others (I10).
 *
 * <p>A reader can be sent the marks of all under the number of the last, before it hears of the merge (reliability
 * 6.22).
 *
 * <p>Thread: the agent's control lock.
 */
final class Coalescing {
    private final AttachedDrive drive;

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
        for (SortedSet<Long> group : EqualGenerations.of(drive.state())) {
            long into = group.last();
            // Of inconsistent bitmaps alone: marks may be missing, and nobody asks for them.
            if (Feed.isWanted(drive.state(), into)) {
                merge(new TreeSet<>(group.headSet(into)), into);
            }
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
}
