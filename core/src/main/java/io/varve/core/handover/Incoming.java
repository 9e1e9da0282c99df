package io.varve.core.handover;

import io.varve.core.bits.Marks;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.Doubt;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Generation;
import io.varve.core.event.DriveEvent;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.LongPredicate;

/**
 * The target's side of a hand-over while marks are missing. It serves the drive already; what guests write is in its
 * own generations.
 *
 * <pre>
 *   absent     --journal accepted, attached-->  incoming    every bitmap is busy; missing = sealed generations
 *   incoming   --marks with the seal's digest-->  incoming  one less is missing
 *   incoming   --complete, none is missing-->   serving     {@code BitmapArrived} of each bitmap
 *   incoming   --give up-->                     serving     a bitmap that misses marks is inconsistent, and says why
 * </pre>
 *
 * @param missing sealed generations that an incoming bitmap needs, whose marks haven't come
 */
public record Incoming(DriveState state, SortedSet<Long> missing) {
    public Incoming {
        missing = Collections.unmodifiableSortedSet(new TreeSet<>(missing));
    }

    /**
     * What is incoming of a drive.
     *
     * @param isThere whether a sealed generation's marks are there, with the digest of its seal
     */
    public static Incoming of(DriveState state, LongPredicate isThere) {
        SortedSet<Long> missing = new TreeSet<>();
        for (Bitmap bitmap : incoming(state)) {
            for (long number : bitmap.generations()) {
                Generation generation = state.generations().get(number);
                if (generation != null && generation.seal().isPresent() && !isThere.test(number)) {
                    missing.add(number);
                }
            }
        }
        return new Incoming(state, missing);
    }

    /** Whether a drive has bitmaps that nobody can use yet. */
    public static boolean isIncoming(DriveState state) {
        return !incoming(state).isEmpty();
    }

    /** Why these aren't the marks of that generation, in one sentence; empty when they are. */
    // I4
    public static Optional<String> objection(DriveState state, long number, Marks marks) {
        Generation generation = state.generations().get(number);
        if (generation == null || generation.seal().isEmpty()) {
            return Optional.of("drive '" + state.drive() + "' needs no marks of generation " + number);
        }
        Generation.Seal seal = generation.seal().get();
        return marks.granularity().equals(generation.granularity())
                        && marks.sizeBytes() == generation.sizeBytes()
                        && marks.digest().equals(seal.digest())
                ? Optional.empty()
                : Optional.of("the marks that came for generation " + number + " of drive '" + state.drive()
                        + "' have the digest " + marks.digest().hex() + "; expected "
                        + seal.digest().hex() + ": carry them again");
    }

    /** The events by which the bitmaps are as they were at the source; only when none is missing. */
    public List<DriveEvent> completed() {
        if (!missing.isEmpty()) {
            throw new IllegalStateException("marks of generations " + missing + " are missing");
        }
        return givenUp("");
    }

    /** The events by which what hasn't come is done without: never silently. */
    public List<DriveEvent> givenUp(String reason) {
        List<DriveEvent> events = new ArrayList<>();
        for (Bitmap bitmap : incoming(state)) {
            SortedSet<Long> lost = new TreeSet<>(bitmap.generations());
            lost.retainAll(missing);
            events.add(
                    lost.isEmpty()
                            ? new DriveEvent.BitmapArrived(bitmap.name())
                            : new DriveEvent.BitmapMarkedInconsistent(
                                    bitmap.name(),
                                    Doubt.marksLost("its bits of generations " + lost
                                            + " never came from the agent that handed over the drive: " + reason)));
        }
        return events;
    }

    private static List<Bitmap> incoming(DriveState state) {
        return state.bitmaps().values().stream()
                .filter(bitmap -> bitmap.status() instanceof BitmapStatus.Incoming)
                .toList();
    }
}
