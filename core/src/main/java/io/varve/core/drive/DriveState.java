package io.varve.core.drive;

import io.varve.core.bits.Granularity;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import io.varve.core.id.IncarnationId;
import io.varve.core.id.JournalId;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Everything that a drive's log says of it, but for the marks themselves. Immutable.
 *
 * @param line the incarnations of this journal, oldest first; the last one is the writer
 * @param control the number of the last control event of the journal
 * @param generations those with a referrer, and the open one, which is the last
 * @param undecided backups without an outcome
 */
public record DriveState(
        DriveId drive,
        JournalId journal,
        List<IncarnationId> line,
        long control,
        long sizeBytes,
        SortedMap<Long, Generation> generations,
        SortedMap<BitmapName, Bitmap> bitmaps,
        SortedMap<BackupKey, UndecidedBackup> undecided,
        Trust trust) {

    public DriveState {
        line = List.copyOf(line);
        generations = Collections.unmodifiableSortedMap(new TreeMap<>(generations));
        bitmaps = Collections.unmodifiableSortedMap(new TreeMap<>(bitmaps));
        undecided = Collections.unmodifiableSortedMap(new TreeMap<>(undecided));
    }

    /** A drive of which nothing is known but that {@code incarnation} attached to it, with one open generation. */
    public static DriveState fresh(
            DriveId drive, JournalId journal, IncarnationId incarnation, Generation open, Trust trust) {
        SortedMap<Long, Generation> generations = new TreeMap<>();
        generations.put(open.number(), open);
        return new DriveState(
                drive,
                journal,
                List.of(incarnation),
                0,
                open.sizeBytes(),
                generations,
                new TreeMap<>(),
                new TreeMap<>(),
                trust);
    }

    public Generation open() {
        return Objects.requireNonNull(generations.get(generations.lastKey()));
    }

    /** The bitmaps in the order in which QEMU lists them; of those without a sequence the last name first. */
    public List<Bitmap> newestFirst() {
        return bitmaps.values().stream()
                .sorted(Comparator.comparingLong(Bitmap::sequence)
                        .thenComparing(Bitmap::name)
                        .reversed())
                .toList();
    }

    public Optional<Bitmap> bitmap(BitmapName name) {
        return Optional.ofNullable(bitmaps.get(name));
    }

    /** The finest granularity among the bitmaps, or the default when there is none: what the next generation tracks. */
    public Granularity trackingGranularity() {
        return bitmaps.values().stream()
                .map(Bitmap::granularity)
                .reduce(Granularity::finer)
                .orElse(Granularity.DEFAULT);
    }

    /** Whether a bitmap still needs {@code generation}. */
    public boolean isReferred(long generation) {
        return bitmaps.values().stream().anyMatch(b -> b.allGenerations().contains(generation));
    }

    public DriveState withLine(List<IncarnationId> line) {
        return new DriveState(drive, journal, line, control, sizeBytes, generations, bitmaps, undecided, trust);
    }

    public DriveState withControl(long control) {
        return new DriveState(drive, journal, line, control, sizeBytes, generations, bitmaps, undecided, trust);
    }

    public DriveState withSizeBytes(long sizeBytes) {
        return new DriveState(drive, journal, line, control, sizeBytes, generations, bitmaps, undecided, trust);
    }

    public DriveState withGenerations(SortedMap<Long, Generation> generations) {
        return new DriveState(drive, journal, line, control, sizeBytes, generations, bitmaps, undecided, trust);
    }

    public DriveState withBitmaps(SortedMap<BitmapName, Bitmap> bitmaps) {
        return new DriveState(drive, journal, line, control, sizeBytes, generations, bitmaps, undecided, trust);
    }

    public DriveState withUndecided(SortedMap<BackupKey, UndecidedBackup> undecided) {
        return new DriveState(drive, journal, line, control, sizeBytes, generations, bitmaps, undecided, trust);
    }

    public DriveState withTrust(Trust trust) {
        return new DriveState(drive, journal, line, control, sizeBytes, generations, bitmaps, undecided, trust);
    }

    /** The same with {@code bitmap} added or replaced. */
    public DriveState with(Bitmap bitmap) {
        SortedMap<BitmapName, Bitmap> changed = new TreeMap<>(bitmaps);
        changed.put(bitmap.name(), bitmap);
        return withBitmaps(changed);
    }
}
