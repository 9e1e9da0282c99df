package io.varve.capture.power;

import java.io.IOException;
import java.net.URI;
import java.nio.file.FileSystem;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;

/** A path of a {@link PowerFileSystem}: the host's path algebra, but other files. */
record PowerPath(PowerFileSystem system, Path inner) implements Path {
    static Path inner(Path path) {
        return path instanceof PowerPath power ? power.inner : path;
    }

    private PowerPath of(Path path) {
        return new PowerPath(system, path);
    }

    @Override
    public FileSystem getFileSystem() {
        return system;
    }

    @Override
    public boolean isAbsolute() {
        return inner.isAbsolute();
    }

    @Override
    @SuppressWarnings("NullAway") // as the interface has it
    public Path getRoot() {
        return inner.getRoot() == null ? null : of(inner.getRoot());
    }

    @Override
    @SuppressWarnings("NullAway") // as the interface has it
    public Path getFileName() {
        return inner.getFileName() == null ? null : of(inner.getFileName());
    }

    @Override
    @SuppressWarnings("NullAway") // as the interface has it
    public Path getParent() {
        return inner.getParent() == null ? null : of(inner.getParent());
    }

    @Override
    public int getNameCount() {
        return inner.getNameCount();
    }

    @Override
    public Path getName(int index) {
        return of(inner.getName(index));
    }

    @Override
    public Path subpath(int from, int to) {
        return of(inner.subpath(from, to));
    }

    @Override
    public boolean startsWith(Path other) {
        return inner.startsWith(inner(other));
    }

    @Override
    public boolean endsWith(Path other) {
        return inner.endsWith(inner(other));
    }

    @Override
    public Path normalize() {
        return of(inner.normalize());
    }

    @Override
    public Path resolve(Path other) {
        return of(inner.resolve(inner(other)));
    }

    @Override
    public Path relativize(Path other) {
        return of(inner.relativize(inner(other)));
    }

    @Override
    public URI toUri() {
        return inner.toUri();
    }

    @Override
    public Path toAbsolutePath() {
        return of(inner.toAbsolutePath());
    }

    @Override
    public Path toRealPath(LinkOption... options) {
        return this;
    }

    @Override
    public WatchKey register(WatchService watcher, WatchEvent.Kind<?>[] events, WatchEvent.Modifier... modifiers)
            throws IOException {
        throw new UnsupportedOperationException();
    }

    @Override
    public int compareTo(Path other) {
        return inner.compareTo(inner(other));
    }

    @Override
    public String toString() {
        return inner.toString();
    }
}
