package io.varve.archive.store;

import io.varve.archive.store.StoreException.Category;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Objects as files below a folder. An object is written and synced under a temporary name, then appears at once: by a
 * rename, or by a hard link where it must not replace one. Temporary files stand in {@code .uploads}, which no key can
 * name. Safe for any thread and any number of processes.
 */
public final class FileStore implements ObjectStore {
    static final int PAGE_KEYS = 1000;
    private static final String UPLOADS = ".uploads";

    /** The object in its temporary folder. */
    static final String WHOLE = "object";

    private final Path root;

    private FileStore(Path root) {
        this.root = root;
    }

    /** Opens the store in {@code root}. */
    public static FileStore open(Path root, WhenMissing whenMissing) throws IOException {
        FileStore store = new FileStore(root.toAbsolutePath().normalize());
        if (Files.isDirectory(store.root)) {
            return store;
        }
        if (whenMissing == WhenMissing.REFUSE) {
            throw new StoreException(
                    Category.NO_BUCKET,
                    "the archive folder " + store.root + " doesn't exist; create it, or name another");
        }
        try {
            Files.createDirectories(store.root);
        } catch (IOException e) {
            throw store.failure("create", store.root.toString(), e);
        }
        return store;
    }

    @Override
    public void put(ObjectKey key, ByteBuffer bytes) throws IOException {
        try {
            Path folder = temporaryFolder();
            try {
                appear(writeTemporary(folder, bytes), key);
            } finally {
                remove(folder);
            }
        } catch (IOException e) {
            throw failure("write", key.value(), e);
        }
    }

    @Override
    public PutResult putIfAbsent(ObjectKey key, ByteBuffer bytes) throws IOException {
        Path target = path(key);
        try {
            if (Files.exists(target)) {
                return new PutResult.Exists();
            }
            Path folder = temporaryFolder();
            try {
                Files.createDirectories(parent(target));
                Files.createLink(target, writeTemporary(folder, bytes));
                syncFolder(parent(target));
                return new PutResult.Created();
            } catch (FileAlreadyExistsException e) {
                return new PutResult.Exists();
            } catch (UnsupportedOperationException e) {
                throw new IOException("its file system has no hard links; keep the archive on one that has", e);
            } finally {
                remove(folder);
            }
        } catch (IOException e) {
            throw failure("write", key.value(), e);
        }
    }

    @Override
    public Optional<byte[]> get(ObjectKey key, int limitBytes) throws IOException {
        try (FileChannel file = FileChannel.open(path(key), StandardOpenOption.READ)) {
            if (file.size() > limitBytes) {
                throw new StoreException(
                        Category.TOO_LARGE,
                        "'" + key + "' in " + describe() + " has " + file.size() + " bytes; expected at most "
                                + limitBytes);
            }
            ByteBuffer bytes = ByteBuffer.allocate((int) file.size());
            fill(file, 0, bytes);
            return Optional.of(bytes.array());
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw failure("read", key.value(), e);
        }
    }

    @Override
    public void read(ObjectKey key, long offsetBytes, ByteBuffer target) throws IOException {
        int start = target.position();
        try (FileChannel file = FileChannel.open(path(key), StandardOpenOption.READ)) {
            fill(file, offsetBytes, target);
        } catch (EOFException e) {
            target.position(start);
            throw new StoreException(
                    Category.MISSING,
                    "'" + key + "' in " + describe() + " ends before byte " + (offsetBytes + target.remaining())
                            + ", which is needed; the object is damaged",
                    e);
        } catch (IOException e) {
            target.position(start);
            throw failure("read", key.value(), e);
        }
    }

    @Override
    public Optional<ObjectSummary> head(ObjectKey key) throws IOException {
        try {
            return Optional.of(new ObjectSummary(key, Files.size(path(key))));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw failure("look up", key.value(), e);
        }
    }

    @Override
    public ObjectPage list(String prefix, Optional<ObjectKey> after) throws IOException {
        int folderEnd = prefix.lastIndexOf('/');
        Path folder = folderEnd < 0 ? root : path(new ObjectKey(prefix.substring(0, folderEnd)));
        if (!Files.isDirectory(folder)) {
            return new ObjectPage(List.of(), Optional.empty());
        }
        try (Stream<Path> files = Files.walk(folder)) {
            List<ObjectKey> keys = files.filter(Files::isRegularFile)
                    .map(file -> root.relativize(file).toString())
                    .filter(name -> name.startsWith(prefix) && ObjectKey.isValid(name))
                    .map(ObjectKey::new)
                    .filter(key -> after.isEmpty() || key.compareTo(after.get()) > 0)
                    .sorted()
                    .limit(PAGE_KEYS + 1L)
                    .toList();
            return page(keys);
        } catch (UncheckedIOException e) {
            throw failure("list", prefix, e.getCause() == null ? new IOException(e) : e.getCause());
        } catch (IOException e) {
            throw failure("list", prefix, e);
        }
    }

    private ObjectPage page(List<ObjectKey> keys) throws IOException {
        List<ObjectSummary> objects = new ArrayList<>();
        for (ObjectKey key : keys.subList(0, Math.min(keys.size(), PAGE_KEYS))) {
            objects.add(new ObjectSummary(key, Files.size(path(key))));
        }
        return new ObjectPage(
                objects, keys.size() > PAGE_KEYS ? Optional.of(objects.getLast().key()) : Optional.empty());
    }

    @Override
    public MultipartUpload begin(ObjectKey key) throws IOException {
        try {
            return FileUpload.begin(this, key, temporaryFolder());
        } catch (IOException e) {
            throw failure("write", key.value(), e);
        }
    }

    /** Lets {@code temporary}, whole and synced, appear as {@code key}. */
    void appear(Path temporary, ObjectKey key) throws IOException {
        Path target = path(key);
        Files.createDirectories(parent(target));
        Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        syncFolder(parent(target));
    }

    /** The exception that tells the user that {@code operation} on {@code what} failed. */
    StoreException failure(String operation, String what, IOException cause) {
        if (cause instanceof StoreException known) {
            return known;
        }
        String sentence = "can't " + operation + " '" + what + "' in " + describe() + ": ";
        return switch (cause) {
            case AccessDeniedException _ ->
                new StoreException(
                        Category.DENIED,
                        sentence + "permission denied; give this user the right, or name another folder",
                        cause);
            case NoSuchFileException _, NotDirectoryException _ ->
                new StoreException(Category.MISSING, sentence + "it doesn't exist", cause);
            case IOException _ -> new StoreException(Category.UNAVAILABLE, sentence + cause.getMessage(), cause);
        };
    }

    private Path temporaryFolder() throws IOException {
        return Files.createTempDirectory(Files.createDirectories(root.resolve(UPLOADS)), "");
    }

    private static Path writeTemporary(Path folder, ByteBuffer bytes) throws IOException {
        Path temporary = folder.resolve(WHOLE);
        try (FileChannel file = FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            writeFully(file, bytes.duplicate());
            file.force(true);
        }
        return temporary;
    }

    private static void remove(Path folder) throws IOException {
        Files.deleteIfExists(folder.resolve(WHOLE));
        Files.deleteIfExists(folder);
    }

    static void writeFully(FileChannel file, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            file.write(bytes);
        }
    }

    private static void fill(FileChannel file, long offsetBytes, ByteBuffer target) throws IOException {
        int start = target.position();
        while (target.hasRemaining()) {
            if (file.read(target, offsetBytes + target.position() - start) < 0) {
                throw new EOFException("end of file");
            }
        }
    }

    private static void syncFolder(Path folder) throws IOException {
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    private Path path(ObjectKey key) {
        return root.resolve(key.value());
    }

    private Path parent(Path target) {
        Path parent = target.getParent();
        return parent == null ? root : parent;
    }

    @Override
    public String describe() {
        return "file:" + root;
    }

    @Override
    public void close() {
        // Nothing stays open between calls.
    }
}
