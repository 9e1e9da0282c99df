package io.varve.transfer.target;

import io.varve.archive.store.StoredParts;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Optional;

/** A new image file, which takes the place of an old one of its name when it's whole. */
public final class LocalImageTarget implements ImageTarget {
    private final NewFile file;
    private final FileParts parts;

    private LocalImageTarget(NewFile file) {
        this.file = file;
        parts = new FileParts(file.channel());
    }

    /**
     * A target that writes beside {@code path} until it's whole.
     *
     * @throws IOException in one sentence: no such folder, no permission, not a file, or another job writes it
     */
    public static LocalImageTarget create(Path path) throws IOException {
        return new LocalImageTarget(NewFile.create(path));
    }

    @Override
    public String describe() {
        return "'" + file.path() + "'";
    }

    /** Where it is to appear. */
    public Path path() {
        return file.path();
    }

    /** What stands in the way of {@link #complete} now, in one sentence. */
    public Optional<String> objection() {
        return file.objection();
    }

    @Override
    public int partsMax() {
        return Integer.MAX_VALUE;
    }

    @Override
    public void writePart(int number, long offsetBytes, ByteBuffer bytes) throws IOException {
        parts.write(number, offsetBytes, bytes);
    }

    @Override
    public StoredParts complete() throws IOException {
        StoredParts whole = parts.whole();
        file.appear();
        return whole;
    }

    @Override
    public void abort() throws IOException {
        file.discard();
    }
}
