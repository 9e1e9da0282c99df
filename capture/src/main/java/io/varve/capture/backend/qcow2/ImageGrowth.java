package io.varve.capture.backend.qcow2;

import io.varve.capture.backend.BackendAccess;
import io.varve.formats.qcow2.Decoding;
import io.varve.formats.qcow2.DriveHeader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/** Makes a qcow2 image larger that nobody has open (QEMU's docs/interop/qcow2.txt, "Header"). */
public final class ImageGrowth {
    private static final long SIZE_OFFSET = 24;
    private static final long L1_SIZE_OFFSET = 36;

    private ImageGrowth() {}

    /**
     * Grows. The L1 table may fill the clusters that it has, and doesn't move: with clusters of 64 KiB that's enough
     * for 4 TiB.
     *
     * @throws IOException in one sentence; the image is as before
     */
    public static void grow(Path path, long sizeBytes) throws IOException {
        ImageFile file = ImageFile.open(path, BackendAccess.READ_WRITE);
        try {
            ByteBuffer head = ByteBuffer.allocate((int) Math.min(DriveHeader.HEAD_BYTES_MAX, file.lengthBytes()));
            file.read(0, head);
            DriveHeader header = switch (DriveHeader.decode(head.flip(), file.lengthBytes())) {
                case Decoding.Decoded<DriveHeader>(DriveHeader decoded) -> decoded;
                case Decoding.Refused<DriveHeader>(var reason) -> throw file.error(reason);
            };
            grow(file, header, sizeBytes);
        } finally {
            file.close();
        }
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
        if (header.autoclear() != 0) {
            // Stored bitmaps are of the old size.
            file.write(DriveHeader.AUTOCLEAR_OFFSET, ByteBuffer.allocate(Long.BYTES));
        }
        file.write(
                SIZE_OFFSET, ByteBuffer.allocate(Long.BYTES).putLong(sizeBytes).flip());
        file.sync();
    }
}
