package io.varve.cli.reconcile;

import io.varve.capture.DriveArgument;
import io.varve.capture.backend.Backend;
import io.varve.capture.backend.BackendAccess;
import io.varve.core.bits.Extent;
import io.varve.transfer.source.ClusterSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** An image of this host, in a format that drives may have. Safe for any thread. */
public final class ImageSource implements ClusterSource {
    private static final int READERS = 4;

    private final String name;
    private final Backend image;
    private final ExecutorService readers = Executors.newFixedThreadPool(
            READERS, Thread.ofPlatform().daemon().name("read-image-", 0).factory());

    private ImageSource(String name, Backend image) {
        this.name = name;
        this.image = image;
    }

    /**
     * Opens an image to read.
     *
     * @param text its path, and options as a drive's
     * @throws IllegalArgumentException in one sentence, when it's no such text
     * @throws IOException in one sentence
     */
    public static ImageSource open(String text) throws IOException {
        DriveArgument described = DriveArgument.parse("image=" + text);
        return new ImageSource(described.image(), described.open(BackendAccess.READ_ONLY, System::nanoTime));
    }

    @Override
    public long sizeBytes() {
        return image.sizeBytes();
    }

    @Override
    public String describe() {
        return name;
    }

    @Override
    public CompletableFuture<Void> read(long offsetBytes, ByteBuffer into) {
        ByteBuffer range = into.slice();
        return CompletableFuture.runAsync(
                () -> {
                    try {
                        image.read(offsetBytes, range);
                    } catch (IOException e) {
                        throw new CompletionException(e);
                    }
                },
                readers);
    }

    @Override
    public List<Extent> zeros(Extent range) {
        return List.of();
    }

    @Override
    public void close() throws IOException {
        readers.close();
        image.close();
    }
}
