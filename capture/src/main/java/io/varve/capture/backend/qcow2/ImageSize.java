package io.varve.capture.backend.qcow2;

import io.varve.formats.qcow2.BitmapDirectory;
import io.varve.formats.qcow2.BitmapEntry;
import io.varve.formats.qcow2.Decoding;
import io.varve.formats.qcow2.DriveHeader;
import io.varve.formats.qcow2.HeaderWrite;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/**
 * Gives a qcow2 image another size while nobody has it open (QEMU's docs/interop/qcow2.txt, "Header"). Bitmaps that it
 * keeps are marked as in use, since they're of the old size.
 */
public final class ImageSize {
    private static final long SIZE_OFFSET = 24;
    private static final long L1_SIZE_OFFSET = 36;

    private ImageSize() {}

    /**
     * Grows. The L1 table may fill the clusters that it has, and doesn't move: with clusters of 64 KiB that's enough
     * for 4 TiB.
     *
     * @throws IOException in one sentence; the image is as before
     */
    public static void grow(Path path, long sizeBytes) throws IOException {
        ClosedImage.change(path, (file, _, header) -> grow(file, header, sizeBytes));
    }

    /**
     * Shrinks. Nothing may be left in the clusters behind the new end: they'd be seen again when it grows.
     *
     * @throws IOException in one sentence; the image is as before
     */
    public static void shrink(Path path, long sizeBytes) throws IOException {
        ClosedImage.change(path, (file, _, header) -> resize(file, header, sizeBytes));
    }

    private static void grow(ImageFile file, DriveHeader header, long sizeBytes) throws IOException {
        int entriesPerCluster = header.clusterSize().tableEntries();
        long clusters = header.clusterSize().clusters(sizeBytes);
        long entries = (clusters + entriesPerCluster - 1) / entriesPerCluster;
        long capacity = header.clusterSize().clusters((long) header.l1Entries() * Long.BYTES) * entriesPerCluster;
        if (entries > capacity) {
            throw file.error("has an L1 table of " + header.l1Entries() + " entries, expected " + entries + " for "
                    + sizeBytes + " bytes; grow it by 'qemu-img resize' while nobody has it open");
        }
        if (entries > header.l1Entries()) {
            long oldEnd = header.l1OffsetBytes() + (long) header.l1Entries() * Long.BYTES;
            file.write(oldEnd, ByteBuffer.allocate((int) (entries - header.l1Entries()) * Long.BYTES));
            file.sync();
            file.write(
                    L1_SIZE_OFFSET,
                    ByteBuffer.allocate(Integer.BYTES).putInt((int) entries).flip());
        }
        resize(file, header, sizeBytes);
    }

    private static void resize(ImageFile file, DriveHeader header, long sizeBytes) throws IOException {
        long known = header.bitmapCount() > 0 ? DriveHeader.AUTOCLEAR_BITMAPS : 0;
        if (header.autoclear() != known) {
            autoclear(file, known);
        }
        if (known != 0) {
            outdateBitmaps(file, header);
        }
        file.write(
                SIZE_OFFSET, ByteBuffer.allocate(Long.BYTES).putLong(sizeBytes).flip());
        file.sync();
    }

    /** Whoever looks after them stores them again; one whose size doesn't fit must say that it's in use. */
    private static void outdateBitmaps(ImageFile file, DriveHeader header) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(header.bitmapDirectoryBytes());
        file.read(header.bitmapDirectoryOffsetBytes(), bytes);
        switch (BitmapDirectory.decode(bytes.flip(), header, file.lengthBytes())) {
            case Decoding.Decoded<BitmapDirectory>(BitmapDirectory directory) -> {
                BitmapDirectory marked = new BitmapDirectory(
                        directory.entries().stream().map(BitmapEntry::withInUse).toList());
                for (HeaderWrite write : marked.flags(header.bitmapDirectoryOffsetBytes())) {
                    file.write(write.offsetBytes(), write.bytes().duplicate());
                }
            }
            case Decoding.Refused<BitmapDirectory> _ -> autoclear(file, 0);
        }
        file.sync();
    }

    private static void autoclear(ImageFile file, long features) throws IOException {
        file.write(
                DriveHeader.AUTOCLEAR_OFFSET,
                ByteBuffer.allocate(Long.BYTES).putLong(features).flip());
    }
}
