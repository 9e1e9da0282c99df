package io.varve.capture.job;

import io.varve.formats.qcow2.Decoding;
import io.varve.formats.qcow2.ImageGeometry;
import io.varve.formats.qcow2.ImageHeader;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A qcow2 image that {@code qemu-img create} has prepared for a backup: it says what it's to be, and holds nothing. */
final class PreparedImage {
    private static final int READ_BYTES = 64 * 1024;

    private PreparedImage() {}

    /**
     * What the image is.
     *
     * @throws RefusedTargetException when it isn't one that can be written anew
     */
    static ImageGeometry read(Path path) throws IOException, RefusedTargetException {
        try (FileChannel file = FileChannel.open(path, StandardOpenOption.READ)) {
            ByteBuffer head = ByteBuffer.allocate((int) Math.min(ImageHeader.HEAD_BYTES_MAX, file.size()));
            fill(file, 0, head);
            ImageHeader header = switch (ImageHeader.decode(head.flip(), file.size())) {
                case Decoding.Decoded<ImageHeader>(ImageHeader decoded) -> decoded;
                case Decoding.Refused<ImageHeader> refused ->
                    throw new RefusedTargetException("Could not open '" + path + "': it "
                            + refused.reason().message() + "; make it with 'qemu-img create -f qcow2'");
            };
            checkEmpty(path, file, header);
            return header.geometry();
        }
    }

    /** What it holds would be lost: it's replaced when the backup is whole. */
    private static void checkEmpty(Path path, FileChannel file, ImageHeader header)
            throws IOException, RefusedTargetException {
        long leftBytes = (long) header.l1Entries() * Long.BYTES;
        long offsetBytes = header.l1OffsetBytes();
        ByteBuffer entries = ByteBuffer.allocate(READ_BYTES);
        while (leftBytes > 0) {
            entries.clear().limit((int) Math.min(leftBytes, READ_BYTES));
            fill(file, offsetBytes, entries);
            offsetBytes += entries.position();
            leftBytes -= entries.position();
            entries.flip();
            while (entries.hasRemaining()) {
                if (entries.getLong() != 0) {
                    throw new RefusedTargetException("Could not open '" + path + "' for a backup: it holds data "
                            + "already, which would be lost; make a new one with 'qemu-img create'");
                }
            }
        }
    }

    private static void fill(FileChannel file, long offsetBytes, ByteBuffer into) throws IOException {
        while (into.hasRemaining()) {
            if (file.read(into, offsetBytes + into.position()) < 0) {
                throw new EOFException("it ends at " + file.size() + " bytes, within its tables");
            }
        }
    }
}
