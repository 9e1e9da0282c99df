package io.varve.transfer.source;

import io.varve.core.bits.Extent;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A raw file that nobody writes while it's copied. */
public final class FileClusterSource implements ClusterSource {
    private static final int READERS_MAX = 4;

    private final Path path;
    private final FileChannel channel;
    private final long sizeBytes;
    private final ExecutorService readers;

    private FileClusterSource(Path path, FileChannel channel, long sizeBytes) {
        this.path = path;
        this.channel = channel;
        this.sizeBytes = sizeBytes;
        int threads = Math.min(READERS_MAX, Runtime.getRuntime().availableProcessors());
        readers = Executors.newFixedThreadPool(
                threads,
                Thread.ofPlatform()
                        .daemon()
                        .name("read-" + path.getFileName() + "-", 0)
                        .factory());
    }

    public static FileClusterSource open(Path path) throws IOException {
        FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
        return new FileClusterSource(path, channel, channel.size());
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public String describe() {
        return path.toString();
    }

    @Override
    public CompletableFuture<Void> read(long offsetBytes, ByteBuffer into) {
        ByteBuffer range = into.slice();
        return CompletableFuture.runAsync(() -> fill(offsetBytes, range), readers);
    }

    private void fill(long offsetBytes, ByteBuffer into) {
        try {
            while (into.hasRemaining()) {
                long positionBytes = offsetBytes + into.position();
                if (channel.read(into, positionBytes) < 0) {
                    throw new EOFException(path + " ends at " + positionBytes + " bytes; expected " + into.remaining()
                            + " more; did somebody shrink it?");
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public List<Extent> zeros(Extent range) {
        return List.of();
    }

    @Override
    public void close() throws IOException {
        readers.close();
        channel.close();
    }
}
