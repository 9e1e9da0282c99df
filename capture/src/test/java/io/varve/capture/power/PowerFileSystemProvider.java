package io.varve.capture.power;

import java.io.IOException;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.AccessMode;
import java.nio.file.CopyOption;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileAttributeView;
import java.nio.file.attribute.FileTime;
import java.nio.file.spi.FileSystemProvider;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What of a file system's operations an agent uses. */
final class PowerFileSystemProvider extends FileSystemProvider {
    private final PowerDisk disk;

    PowerFileSystemProvider(PowerDisk disk) {
        this.disk = disk;
    }

    @Override
    public String getScheme() {
        return "power";
    }

    @Override
    public FileChannel newFileChannel(Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
            throws IOException {
        Path inner = PowerPath.inner(path);
        if (disk.isDirectory(inner)) {
            return new PowerChannel(disk, inner, Optional.empty());
        }
        Optional<PowerFile> found = disk.find(inner);
        if (found.isEmpty() && !options.contains(StandardOpenOption.CREATE)) {
            throw new NoSuchFileException(path.toString());
        }
        PowerFile file = found.isPresent() ? found.get() : disk.create(inner);
        PowerChannel channel = new PowerChannel(disk, inner, Optional.of(file));
        if (options.contains(StandardOpenOption.TRUNCATE_EXISTING) && file.sizeBytes() > 0) {
            var _ = channel.truncate(0);
        }
        return channel;
    }

    @Override
    public DirectoryStream<Path> newDirectoryStream(Path directory, DirectoryStream.Filter<? super Path> filter)
            throws IOException {
        List<Path> found = new ArrayList<>();
        for (String name : disk.names(PowerPath.inner(directory), name -> true)) {
            Path path = directory.resolve(name);
            if (filter.accept(path)) {
                found.add(path);
            }
        }
        return new DirectoryStream<>() {
            @Override
            public Iterator<Path> iterator() {
                return found.iterator();
            }

            @Override
            public void close() {}
        };
    }

    @Override
    public void createDirectory(Path directory, FileAttribute<?>... attributes) throws IOException {
        Path inner = PowerPath.inner(directory);
        if (disk.isDirectory(inner)) {
            throw new FileAlreadyExistsException(directory.toString());
        }
        disk.makeDirectory(inner);
    }

    @Override
    public void delete(Path path) throws IOException {
        disk.delete(PowerPath.inner(path));
    }

    @Override
    public void move(Path source, Path target, CopyOption... options) throws IOException {
        disk.move(PowerPath.inner(source), PowerPath.inner(target));
    }

    @Override
    public void checkAccess(Path path, AccessMode... modes) throws IOException {
        Path inner = PowerPath.inner(path);
        if (!disk.isDirectory(inner)) {
            PowerFile _ = disk.file(inner);
        }
    }

    @Override
    public <A extends BasicFileAttributes> A readAttributes(Path path, Class<A> type, LinkOption... options)
            throws IOException {
        Path inner = PowerPath.inner(path);
        return type.cast(
                disk.isDirectory(inner) ? new PowerAttributes(true, 0, 0, "directory") : attributes(disk.file(inner)));
    }

    private static PowerAttributes attributes(PowerFile file) {
        return new PowerAttributes(false, file.modifiedMillis(), file.sizeBytes(), "inode " + file.key());
    }

    @Override
    public Map<String, Object> readAttributes(Path path, String attributes, LinkOption... options) throws IOException {
        PowerFile file = disk.file(PowerPath.inner(path));
        return Map.of("ctime", FileTime.fromMillis(file.modifiedMillis()));
    }

    private record PowerAttributes(boolean isDirectory, long modifiedMillis, long size, Object fileKey)
            implements BasicFileAttributes {
        @Override
        public FileTime lastModifiedTime() {
            return FileTime.fromMillis(modifiedMillis);
        }

        @Override
        public FileTime lastAccessTime() {
            return lastModifiedTime();
        }

        @Override
        public FileTime creationTime() {
            return lastModifiedTime();
        }

        @Override
        public boolean isRegularFile() {
            return !isDirectory;
        }

        @Override
        public boolean isSymbolicLink() {
            return false;
        }

        @Override
        public boolean isOther() {
            return false;
        }
    }

    @Override
    public boolean isSameFile(Path left, Path right) {
        return left.equals(right);
    }

    @Override
    public boolean isHidden(Path path) {
        return false;
    }

    @Override
    public FileSystem newFileSystem(URI uri, Map<String, ?> environment) {
        throw new UnsupportedOperationException();
    }

    @Override
    public FileSystem getFileSystem(URI uri) {
        throw new UnsupportedOperationException();
    }

    @Override
    public Path getPath(URI uri) {
        throw new UnsupportedOperationException();
    }

    @Override
    public SeekableByteChannel newByteChannel(
            Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes) throws IOException {
        return newFileChannel(path, options, attributes);
    }

    @Override
    public void copy(Path source, Path target, CopyOption... options) {
        throw new UnsupportedOperationException();
    }

    @Override
    public FileStore getFileStore(Path path) {
        throw new UnsupportedOperationException();
    }

    @Override
    @SuppressWarnings("NullAway") // as the interface has it
    public <V extends FileAttributeView> V getFileAttributeView(Path path, Class<V> type, LinkOption... options) {
        return null;
    }

    @Override
    public void setAttribute(Path path, String attribute, Object value, LinkOption... options) {
        throw new UnsupportedOperationException();
    }
}
