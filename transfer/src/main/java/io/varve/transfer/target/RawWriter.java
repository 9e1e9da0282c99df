package io.varve.transfer.target;

import io.varve.archive.store.StoredParts;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/** Writes a raw file: every cluster where it stands in the drive. */
public final class RawWriter implements ImageWriter {
    /** How a raw file comes to be. */
    private sealed interface Place {
        /** It appears when it's whole, and is sparse where nothing is written. */
        record New(NewFile file) implements Place {}

        /** It was there; what's copied is written over it as the copy goes. */
        record Existing(Path path) implements Place {}
    }

    private final Place place;
    private final FileChannel channel;
    private final long sizeBytes;
    private final int clusterBytes;
    private final ByteBuffer zeros;

    private RawWriter(Place place, FileChannel channel, long sizeBytes, int clusterBytes) {
        this.place = place;
        this.channel = channel;
        this.sizeBytes = sizeBytes;
        this.clusterBytes = clusterBytes;
        zeros = ByteBuffer.allocate(clusterBytes).asReadOnlyBuffer();
    }

    /** A new file, which takes the place of an old one of its name when it's whole. */
    public static RawWriter create(Path path, long sizeBytes, int clusterBytes) throws IOException {
        NewFile file = NewFile.create(path);
        return new RawWriter(new Place.New(file), file.channel(), sizeBytes, clusterBytes);
    }

    /**
     * A file or block device of exactly the drive's size, written in place: a copy that doesn't succeed leaves it
     * partly written, as with QEMU's mode=existing.
     */
    public static RawWriter existing(Path path, long sizeBytes, int clusterBytes) throws IOException {
        FileChannel channel = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try {
            NewFile.lock(channel, path);
            long targetBytes = channel.size();
            if (targetBytes != sizeBytes) {
                throw new IOException(
                        "'" + path + "' has " + targetBytes + " bytes; expected the drive's " + sizeBytes);
            }
            return new RawWriter(new Place.Existing(path), channel, sizeBytes, clusterBytes);
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    /** The length of a file or block device that's there. */
    public static long existingBytes(Path path) throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            return channel.size();
        }
    }

    /** Does it hold something else than zeros before the copy? */
    public boolean isExisting() {
        return place instanceof Place.Existing;
    }

    /** Where a new file is to appear; empty when it was there. */
    public Optional<Path> newFile() {
        return switch (place) {
            case Place.New(NewFile file) -> Optional.of(file.path());
            case Place.Existing _ -> Optional.empty();
        };
    }

    /** What stands in the way of {@link #complete} now, in one sentence. */
    public Optional<String> objection() {
        return switch (place) {
            case Place.New(NewFile file) -> file.objection();
            case Place.Existing _ -> Optional.empty();
        };
    }

    @Override
    public String describe() {
        return switch (place) {
            case Place.New(NewFile file) -> "'" + file.path() + "'";
            case Place.Existing(Path path) -> "'" + path + "'";
        };
    }

    @Override
    public long data(long cluster, ByteBuffer bytes) throws IOException {
        long offsetBytes = cluster * clusterBytes;
        int lengthBytes = (int) Math.min(clusterBytes, sizeBytes - offsetBytes);
        FileParts.writeFully(channel, offsetBytes, bytes.slice(bytes.position(), lengthBytes));
        return offsetBytes;
    }

    @Override
    public void zero(long cluster) throws IOException {
        switch (place) {
            case Place.New _ -> {}
            case Place.Existing _ -> data(cluster, zeros);
        }
    }

    @Override
    public void finish() throws IOException {
        if (channel.size() < sizeBytes) {
            FileParts.writeFully(channel, sizeBytes - 1, ByteBuffer.allocate(1));
        }
    }

    @Override
    public Optional<StoredParts> complete() throws IOException {
        switch (place) {
            case Place.New(NewFile file) -> file.appear();
            case Place.Existing _ -> {
                channel.force(true);
                channel.close();
            }
        }
        return Optional.empty();
    }

    @Override
    public void abort() throws IOException {
        switch (place) {
            case Place.New(NewFile file) -> file.discard();
            case Place.Existing _ -> channel.close();
        }
    }
}
