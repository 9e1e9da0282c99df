package io.varve.transfer;

import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.transfer.source.FileClusterSource;
import io.varve.transfer.target.LocalImageTarget;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.InstantSource;
import java.util.SplittableRandom;

/** Raw files that tests copy from, and the copying of them. */
final class Drives {
    private Drives() {}

    /** A sparse file. */
    static void create(Path raw, long sizeBytes) throws IOException {
        try (FileChannel file =
                FileChannel.open(raw, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.READ)) {
            file.truncate(0);
            if (sizeBytes > 0) {
                file.write(ByteBuffer.allocate(1), sizeBytes - 1);
            }
        }
    }

    /** Writes random bytes or zeros to random places, and marks them. */
    static Marks scribble(Path raw, Granularity granularity, int writes, SplittableRandom random) throws IOException {
        try (FileChannel file = FileChannel.open(raw, StandardOpenOption.WRITE)) {
            long sizeBytes = file.size();
            Marks marks = Marks.none(granularity, sizeBytes);
            for (int write = 0; write < writes && sizeBytes > 0; write++) {
                long offsetBytes = random.nextLong(sizeBytes);
                int lengthBytes = (int) Math.min(sizeBytes - offsetBytes, 1 + random.nextInt(200_000));
                byte[] bytes = new byte[lengthBytes];
                if (random.nextInt(3) > 0) {
                    random.nextBytes(bytes);
                }
                file.write(ByteBuffer.wrap(bytes), offsetBytes);
                marks.mark(offsetBytes, lengthBytes);
            }
            return marks;
        }
    }

    /** Copies to a new image. */
    static CopyOutcome copy(CopyJob job, Path raw, Path image) throws IOException {
        try (FileClusterSource source = FileClusterSource.open(raw)) {
            return new CopyPipeline(CopyBudget.DEFAULT)
                    .toQcow2(job, source, LocalImageTarget.create(image), SumsListener.NONE, control());
        }
    }

    static CopyControl control() {
        return new CopyControl(InstantSource.system());
    }
}
