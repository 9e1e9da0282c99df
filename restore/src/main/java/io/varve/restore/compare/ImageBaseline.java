package io.varve.restore.compare;

import io.varve.core.bits.Extent;
import io.varve.transfer.source.ClusterSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;

/** A drive as an image has it, byte for byte; behind the image's end are zeros. */
public final class ImageBaseline implements Baseline {
    private static final int RANGE_BYTES = 512 << 10;

    /** What is told as differing is no larger, so that fine bitmaps stay small. */
    private static final int STEP_BYTES = 4 << 10;

    private final ClusterSource image;

    public ImageBaseline(ClusterSource image) {
        this.image = image;
    }

    @Override
    public int rangeBytes() {
        return RANGE_BYTES;
    }

    @Override
    public Check next(Extent range) {
        int imageBytes = (int) Math.clamp(image.sizeBytes() - range.offsetBytes(), 0, range.lengthBytes());
        ByteBuffer before = ByteBuffer.allocate((int) range.lengthBytes());
        CompletableFuture<Void> read = imageBytes == 0
                ? CompletableFuture.completedFuture(null)
                : image.read(range.offsetBytes(), before.slice(0, imageBytes));
        return (content, differing) -> {
            await(read);
            find(range, before, content, differing);
        };
    }

    private void await(CompletableFuture<Void> read) throws IOException {
        try {
            read.join();
        } catch (CompletionException e) {
            throw new IOException("can't read " + image.describe() + ": " + e.getCause(), e);
        }
    }

    private static void find(Extent range, ByteBuffer before, ByteBuffer now, Consumer<Extent> differing) {
        for (int at = 0; at < before.capacity(); at += STEP_BYTES) {
            int stepBytes = Math.min(STEP_BYTES, before.capacity() - at);
            if (!before.slice(at, stepBytes).equals(now.slice(at, stepBytes))) {
                differing.accept(new Extent(range.offsetBytes() + at, stepBytes));
            }
        }
    }
}
