package io.varve.sink;

import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.SplittableRandom;

/** A raw file that's written to, as a VM's disk. */
record Disk(Path raw) {
    /** A sparse one. */
    static Disk create(Path raw, long sizeBytes) throws IOException {
        try (FileChannel file = FileChannel.open(raw, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            file.write(ByteBuffer.allocate(1), sizeBytes - 1);
        }
        return new Disk(raw);
    }

    long sizeBytes() throws IOException {
        return Files.size(raw);
    }

    /** Writes random bytes, or now and then zeros, to random places, and marks them. */
    Marks scribble(int writes, SplittableRandom random) throws IOException {
        Marks marks = Marks.none(Granularity.DEFAULT, sizeBytes());
        try (FileChannel file = FileChannel.open(raw, StandardOpenOption.WRITE)) {
            for (int write = 0; write < writes; write++) {
                long offsetBytes = random.nextLong(sizeBytes());
                byte[] bytes = new byte[(int) Math.min(sizeBytes() - offsetBytes, 1 + random.nextInt(200_000))];
                if (random.nextInt(4) > 0) {
                    random.nextBytes(bytes);
                }
                file.write(ByteBuffer.wrap(bytes), offsetBytes);
                marks.mark(offsetBytes, bytes.length);
            }
        }
        return marks;
    }

    /** Fills a range with random bytes. */
    void fill(long offsetBytes, long lengthBytes, SplittableRandom random) throws IOException {
        byte[] bytes = new byte[1 << 20];
        try (FileChannel file = FileChannel.open(raw, StandardOpenOption.WRITE)) {
            for (long done = 0; done < lengthBytes; done += bytes.length) {
                random.nextBytes(bytes);
                file.write(
                        ByteBuffer.wrap(bytes, 0, (int) Math.min(bytes.length, lengthBytes - done)),
                        offsetBytes + done);
            }
        }
    }

    /** The disk as it is now. */
    Path freeze(String name) throws IOException {
        return Files.copy(raw, raw.resolveSibling(name), StandardCopyOption.REPLACE_EXISTING);
    }
}
