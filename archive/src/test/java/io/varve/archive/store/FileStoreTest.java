package io.varve.archive.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.archive.store.StoreException.Category;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileStoreTest implements ObjectStoreContract {
    @TempDir
    Path folder;

    @Override
    public ObjectStore store() {
        try {
            return FileStore.open(folder, WhenMissing.REFUSE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void shouldRefuseAFolderThatIsNotThere() {
        Path missing = folder.resolve("missing");

        StoreException e = assertThrows(StoreException.class, () -> FileStore.open(missing, WhenMissing.REFUSE));

        assertEquals(Category.NO_BUCKET, e.category());
        assertTrue(e.getMessage().contains(missing.toString()), e.getMessage());
        assertFalse(Files.exists(missing));
    }

    @Test
    void shouldMakeAFolderWhenAsked() throws Exception {
        Path deep = folder.resolve("a/b");

        try (ObjectStore store = FileStore.open(deep, WhenMissing.CREATE)) {
            store.put(new ObjectKey("x"), ByteBuffer.allocate(1));
        }

        assertTrue(Files.exists(deep.resolve("x")));
    }

    @Test
    void shouldLeaveNoTemporaryFile() throws Exception {
        store().put(new ObjectKey("a"), ByteBuffer.allocate(1));
        store().putIfAbsent(new ObjectKey("b"), ByteBuffer.allocate(1));
        store().putIfAbsent(new ObjectKey("b"), ByteBuffer.allocate(1));
        MultipartUpload upload = store().begin(new ObjectKey("c"));
        upload.uploadPart(1, ByteBuffer.allocate(1));
        upload.complete();
        MultipartUpload aborted = store().begin(new ObjectKey("d"));
        aborted.uploadPart(7, ByteBuffer.allocate(1));
        aborted.abort();

        try (var left = Files.list(folder.resolve(".uploads"))) {
            assertEquals(0, left.count());
        }
    }

    @Test
    void shouldHideFilesThatAreNoObjects() throws Exception {
        Files.writeString(folder.resolve("Read Me"), "not an object");
        store().begin(new ObjectKey("begun")).uploadPart(1, ByteBuffer.allocate(1));

        assertEquals(0, store().list("", Optional.empty()).objects().size());
    }

    @Test
    void shouldSayInOneSentenceThatAFileIsInTheWay() throws Exception {
        Files.writeString(folder.resolve("a"), "a file where a folder must be");

        StoreException e =
                assertThrows(StoreException.class, () -> store().put(new ObjectKey("a/b"), ByteBuffer.allocate(1)));

        assertTrue(e.getMessage().startsWith("can't write 'a/b' in file:"), e.getMessage());
    }
}
