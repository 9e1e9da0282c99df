package io.varve.capture.job;

import io.varve.formats.qcow2.ImageGeometry;
import io.varve.formats.qcow2.ImageStream;
import io.varve.formats.qcow2.ImageTail;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Makes images without content. */
final class NewImages {
    private NewImages() {}

    /** A file of so many bytes, all of them zero; what was there is gone. */
    static void raw(Path path, long sizeBytes) throws IOException {
        try (FileChannel channel = emptied(path)) {
            extend(channel, sizeBytes);
        }
    }

    /** An image that shows what lies under it, or zeroes; what was there is gone. */
    static void qcow2(Path path, ImageGeometry geometry) throws IOException {
        try (FileChannel channel = emptied(path)) {
            ImageTail tail = new ImageStream(geometry).finish();
            writeFully(channel, 0, tail.header());
            long offsetBytes = geometry.clusterSize().bytes();
            while (tail.hasNext()) {
                ByteBuffer cluster = tail.next();
                int lengthBytes = cluster.remaining();
                writeFully(channel, offsetBytes, cluster);
                offsetBytes += lengthBytes;
            }
            channel.force(true);
        }
    }

    private static FileChannel emptied(Path path) throws IOException {
        return FileChannel.open(
                path, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING);
    }

    private static void extend(FileChannel channel, long sizeBytes) throws IOException {
        if (sizeBytes > 0) {
            writeFully(channel, sizeBytes - 1, ByteBuffer.allocate(1));
        }
        channel.force(true);
    }

    private static void writeFully(FileChannel channel, long offsetBytes, ByteBuffer bytes) throws IOException {
        long at = offsetBytes;
        while (bytes.hasRemaining()) {
            at += channel.write(bytes, at);
        }
    }
}
