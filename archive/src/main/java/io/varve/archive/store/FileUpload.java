package io.varve.archive.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.TreeMap;

/**
 * A multipart upload into a folder of its own: the next part in order is appended to the object's temporary file, one
 * that comes early waits in a file of its own. So parts that come in order are written once.
 */
final class FileUpload implements MultipartUpload {
    private final FileStore store;
    private final ObjectKey key;
    private final Path folder;
    private final PartLedger<Integer> ledger;
    private final FileChannel whole;

    /** Parts that came early. Guarded by this. */
    private final TreeMap<Integer, Path> waiting = new TreeMap<>();
    /** The part that the whole lacks next. Guarded by this. */
    private int next = 1;

    private FileUpload(FileStore store, ObjectKey key, Path folder) throws IOException {
        this.store = store;
        this.key = key;
        this.folder = folder;
        ledger = new PartLedger<>(key);
        whole = FileChannel.open(
                folder.resolve(FileStore.WHOLE), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    }

    static FileUpload begin(FileStore store, ObjectKey key, Path folder) throws IOException {
        return new FileUpload(store, key, folder);
    }

    @Override
    public StoredPart uploadPart(int number, ByteBuffer bytes) throws IOException {
        ledger.checkNumber(number);
        StoredPart part = new StoredPart(bytes.remaining(), Sha256.of(bytes));
        ledger.stored(number, part, number);
        try {
            write(number, bytes.duplicate());
            return part;
        } catch (IOException e) {
            throw store.failure("write part " + number + " of", key.value(), e);
        }
    }

    private synchronized void write(int number, ByteBuffer bytes) throws IOException {
        if (number != next) {
            Path early = folder.resolve(Integer.toString(number));
            try (FileChannel file = FileChannel.open(early, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                FileStore.writeFully(file, bytes);
            }
            waiting.put(number, early);
            return;
        }
        FileStore.writeFully(whole, bytes);
        next++;
        for (Path early = waiting.remove(next); early != null; early = waiting.remove(next)) {
            append(early);
            next++;
        }
    }

    private void append(Path early) throws IOException {
        try (FileChannel file = FileChannel.open(early, StandardOpenOption.READ, StandardOpenOption.DELETE_ON_CLOSE)) {
            long copiedBytes = 0;
            while (copiedBytes < file.size()) {
                copiedBytes += file.transferTo(copiedBytes, file.size() - copiedBytes, whole);
            }
        }
    }

    @Override
    public synchronized StoredParts complete() throws IOException {
        StoredParts parts = ledger.whole();
        try {
            if (whole.position() != parts.lengthBytes()) {
                throw new IOException("it has " + whole.position() + " bytes so far; expected " + parts.lengthBytes());
            }
            whole.force(true);
            whole.close();
            store.appear(folder.resolve(FileStore.WHOLE), key);
            Files.deleteIfExists(folder);
            return parts;
        } catch (IOException e) {
            throw store.failure("complete", key.value(), e);
        }
    }

    @Override
    public synchronized void abort() throws IOException {
        try {
            whole.close();
            for (Path early : waiting.values()) {
                Files.deleteIfExists(early);
            }
            Files.deleteIfExists(folder.resolve(FileStore.WHOLE));
            Files.deleteIfExists(folder);
        } catch (IOException e) {
            throw store.failure("abort", key.value(), e);
        }
    }
}
