package io.varve.capture.backend.qcow2;

import io.varve.capture.backend.qcow2.BitmapOutcome.Done;
import io.varve.capture.backend.qcow2.BitmapOutcome.Refused;
import io.varve.core.bits.HierarchicalBitSet;
import io.varve.formats.qcow2.BitmapDirectory;
import io.varve.formats.qcow2.BitmapEntry;
import io.varve.formats.qcow2.BitmapLimits;
import io.varve.formats.qcow2.DriveHeader;
import io.varve.formats.qcow2.HeaderWrite;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/**
 * The bitmaps that an image keeps for whoever opens it, such as QEMU (qcow2.txt, "Bitmaps").
 *
 * <pre>
 * opened        nobody has asked for them: the first change drops them all, as it outdates them
 * loaded        somebody looks after them: the first change marks all as in use
 * in use        a kill now leaves them inconsistent, and they can only be removed
 * stored        as loaded: what was stored is valid until the next change
 * </pre>
 *
 * <p>Those that were found in use are inconsistent and stay so until they're removed.
 *
 * <p>Thread: one at a time; whoever stores or removes has the image for itself.
 */
final class ImageBitmaps {
    private final OpenedImage image;
    private DriveHeader header;
    private boolean isLoaded;
    private Set<String> inconsistent = Set.of();
    private List<BitmapEntry> entries = List.of();

    ImageBitmaps(OpenedImage image) {
        this.image = image;
        header = image.header();
    }

    private BitmapReader reader() {
        return new BitmapReader(image.file(), header, image.metadata());
    }

    /** @param name of one that isn't there yet; empty when the image can keep it */
    Optional<String> objection(String name, long granularityBytes) {
        Optional<String> objection = BitmapLimits.objection(header, name, granularityBytes);
        boolean isReadable = objection.isPresent()
                || BitmapLimits.bits(header, Long.numberOfTrailingZeros(granularityBytes)) <= BitmapReader.BITS_MAX;
        return isReadable
                ? objection
                : Optional.of("Too much space will be occupied by the bitmap. Use larger granularity");
    }

    /** As the file has them now. */
    List<BitmapEntry> listed() throws IOException {
        return reader().entries();
    }

    BitmapOutcome<List<StoredBitmap>> load() {
        if (!isLoaded) {
            try {
                entries = reader().entries();
                // Also checks that none shares a cluster with another, so that each can be freed.
                long[] _ = reader().clusters(entries);
            } catch (IOException e) {
                return new Refused<>(String.valueOf(e.getMessage()));
            }
            isLoaded = true;
            inconsistent = names(entries.stream().filter(BitmapEntry::inUse).toList());
        }
        return kept();
    }

    private BitmapOutcome<List<StoredBitmap>> kept() {
        return new Done<>(entries.stream()
                .map(entry -> new StoredBitmap(
                        entry.name(), 1L << entry.granularityBits(), entry.auto(), inconsistent.contains(entry.name())))
                .toList());
    }

    private static Set<String> names(List<BitmapEntry> entries) {
        return entries.stream().map(BitmapEntry::name).collect(Collectors.toUnmodifiableSet());
    }

    /** What a bitmap held when it was stored; asked for after loading and before the first change. */
    BitmapOutcome<HierarchicalBitSet> bits(String name) {
        for (BitmapEntry entry : entries) {
            if (entry.name().equals(name) && !entry.inUse()) {
                try {
                    return new Done<>(reader().bits(entry));
                } catch (IOException e) {
                    return new Refused<>(String.valueOf(e.getMessage()));
                }
            }
        }
        return new Refused<>(
                inconsistent.contains(name)
                        ? "Bitmap '" + name + "' is inconsistent and cannot be used"
                        : "Bitmap '" + name + "' isn't stored in the image, or is outdated there");
    }

    /** Before the first change since they were loaded or stored: durably says that they're outdated from now on. */
    void beginChange(ClusterAllocator allocator) throws IOException {
        if (!isLoaded && header.bitmapCount() > 0) {
            drop(allocator);
        }
        long kept = header.bitmapCount() > 0 ? DriveHeader.AUTOCLEAR_BITMAPS : 0;
        if (header.autoclear() != kept) {
            // What other programs keep in the image and Varve doesn't know.
            image.file().write(DriveHeader.AUTOCLEAR_OFFSET, number(kept));
            image.file().sync();
            header = OpenedImage.header(image.file());
        }
        markInUse();
    }

    private void markInUse() throws IOException {
        BitmapDirectory marked =
                new BitmapDirectory(entries.stream().map(BitmapEntry::withInUse).toList());
        if (marked.entries().equals(entries)) {
            return;
        }
        List<HeaderWrite> writes = marked.flags(header.bitmapDirectoryOffsetBytes());
        for (HeaderWrite write : writes) {
            image.file().write(write.offsetBytes(), write.bytes().duplicate());
        }
        image.file().sync();
        entries = marked.entries();
    }

    private static ByteBuffer number(long value) {
        return ByteBuffer.allocate(Long.BYTES).putLong(value).flip();
    }

    /** Makes the image keep {@code bitmaps}, and those that are inconsistent, and no others. */
    BitmapOutcome<List<StoredBitmap>> store(List<BitmapToStore> bitmaps, ClusterAllocator allocator)
            throws IOException {
        if (load() instanceof Refused<List<StoredBitmap>> refused) {
            return refused;
        }
        List<BitmapEntry> next = new ArrayList<>(entries.stream()
                .filter(entry -> inconsistent.contains(entry.name()))
                .toList());
        Optional<String> objection = objection(bitmaps, next);
        if (objection.isPresent()) {
            return new Refused<>(objection.get());
        }
        BitmapWriter writer = new BitmapWriter(image.file(), header, allocator);
        try {
            for (BitmapToStore bitmap : bitmaps) {
                next.add(writer.write(bitmap));
            }
            return replace(next, writer, allocator);
        } catch (IOException | RuntimeException e) {
            writer.giveUp();
            throw e;
        }
    }

    private Optional<String> objection(List<BitmapToStore> bitmaps, List<BitmapEntry> beside) {
        List<String> all =
                new ArrayList<>(beside.stream().map(BitmapEntry::name).toList());
        Set<String> known = new HashSet<>(all);
        long tableEntries = beside.stream().mapToLong(BitmapEntry::tableEntries).sum();
        for (BitmapToStore bitmap : bitmaps) {
            Optional<String> objection = objection(bitmap.name(), bitmap.granularityBytes());
            if (objection.isPresent()) {
                return objection.map(
                        reason -> "Bitmap '" + bitmap.name() + "' doesn't satisfy the constraints: " + reason);
            }
            long bits = BitmapLimits.bits(header, Long.numberOfTrailingZeros(bitmap.granularityBytes()));
            if (bitmap.bits().bitCount() != bits) {
                throw new IllegalArgumentException("bitmap '" + bitmap.name() + "' of "
                        + bitmap.bits().bitCount() + " bits; expected " + bits + " for its drive");
            }
            if (!known.add(bitmap.name())) {
                return Optional.of("Bitmap '" + bitmap.name() + "' already exists in the image");
            }
            all.add(bitmap.name());
            tableEntries += BitmapDirectory.tableEntries(header, Long.numberOfTrailingZeros(bitmap.granularityBytes()));
        }
        return tableEntries > BitmapReader.TABLE_ENTRIES_MAX
                ? Optional.of("Too much space will be occupied by the bitmaps. Use larger granularity")
                : BitmapLimits.objection(all);
    }

    /** Removes a bitmap, also an inconsistent one; the others stay as they are. Nothing happens when it isn't there. */
    BitmapOutcome<List<StoredBitmap>> remove(String name, ClusterAllocator allocator) throws IOException {
        if (load() instanceof Refused<List<StoredBitmap>> refused) {
            return refused;
        }
        List<BitmapEntry> next =
                entries.stream().filter(entry -> !entry.name().equals(name)).toList();
        if (next.size() == entries.size()) {
            return kept();
        }
        BitmapWriter writer = new BitmapWriter(image.file(), header, allocator);
        try {
            return replace(next, writer, allocator);
        } catch (IOException | RuntimeException e) {
            writer.giveUp();
            throw e;
        }
    }

    /** What is written comes before what refers to it, and is durable then; what was there is freed last. */
    private BitmapOutcome<List<StoredBitmap>> replace(
            List<BitmapEntry> next, BitmapWriter writer, ClusterAllocator allocator) throws IOException {
        List<BitmapEntry> gone =
                entries.stream().filter(entry -> !next.contains(entry)).toList();
        long[] freed = clusters(gone);
        List<HeaderWrite> writes = header.writesToDropBitmaps();
        if (!next.isEmpty()) {
            ByteBuffer directory = new BitmapDirectory(next).encode();
            int directoryBytes = directory.remaining();
            Optional<List<HeaderWrite>> room =
                    header.writesToKeepBitmaps(next.size(), directoryBytes, writer.writeRun(directory));
            if (room.isEmpty()) {
                writer.giveUp();
                return new Refused<>("Failed to update bitmap extension: no room for it in the image's header");
            }
            writes = room.get();
        }
        image.file().sync();
        writer.keep();
        change(writes);
        inconsistent = next.isEmpty() ? Set.of() : inconsistent;
        entries = List.copyOf(next);
        allocator.releaseOnce(freed);
        return kept();
    }

    /** Of these bitmaps and of the directory. */
    private long[] clusters(List<BitmapEntry> bitmaps) throws IOException {
        return LongStream.concat(Arrays.stream(reader().clusters(bitmaps)), Arrays.stream(reader().directoryClusters()))
                .toArray();
    }

    private void change(List<HeaderWrite> writes) throws IOException {
        for (HeaderWrite write : writes) {
            image.file().write(write.offsetBytes(), write.bytes().duplicate());
            image.file().sync();
        }
        header = OpenedImage.header(image.file());
    }

    /** Drops all, whether they're valid or not; those that aren't leak. */
    private void drop(ClusterAllocator allocator) throws IOException {
        long[] freed = load() instanceof Done<List<StoredBitmap>> ? clusters(entries) : new long[0];
        entries = List.of();
        inconsistent = Set.of();
        change(header.writesToDropBitmaps());
        allocator.releaseOnce(freed);
    }
}
