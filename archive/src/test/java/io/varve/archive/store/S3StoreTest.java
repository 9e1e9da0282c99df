package io.varve.archive.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.archive.store.S3Bucket.Addressing;
import io.varve.archive.store.S3Bucket.Endpoint;
import io.varve.archive.store.StoreException.Category;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(S3Server.Shared.class)
class S3StoreTest implements ObjectStoreContract {
    private static final Retries QUICK = new Retries(2, Duration.ofMillis(1));

    private final S3Server server;
    private final ObjectStore store;

    S3StoreTest(S3Server server) {
        this.server = server;
        try {
            store = S3Store.open(server.newBucket(), WhenMissing.CREATE, Retries.STANDARD);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @AfterEach
    void close() {
        store.close();
    }

    @Override
    public ObjectStore store() {
        return store;
    }

    @Test
    void shouldKeepEverythingBelowThePrefix() throws Exception {
        S3Bucket bucket = server.newBucket();
        S3Bucket whole = new S3Bucket(bucket.name(), "", bucket.endpoint(), bucket.credentials());

        try (ObjectStore below = S3Store.open(bucket, WhenMissing.CREATE, QUICK);
                ObjectStore all = S3Store.open(whole, WhenMissing.CREATE, QUICK)) {
            below.put(new ObjectKey("a"), ByteBuffer.allocate(1));

            assertEquals(
                    new ObjectKey("archive/one/a"),
                    all.list("", Optional.empty()).objects().getFirst().key());
            assertEquals(
                    new ObjectKey("a"),
                    below.list("", Optional.empty()).objects().getFirst().key());
        }
    }

    @Test
    void shouldSayThatThereIsNoSuchBucket() throws Exception {
        try (ObjectStore nowhere = S3Store.open(server.bucket("no-such-bucket"), WhenMissing.REFUSE, QUICK)) {
            ObjectKey key = new ObjectKey("a");

            for (StoreException e : List.of(
                    assertThrows(StoreException.class, () -> nowhere.put(key, ByteBuffer.allocate(1))),
                    assertThrows(StoreException.class, () -> nowhere.putIfAbsent(key, ByteBuffer.allocate(1))),
                    assertThrows(StoreException.class, () -> nowhere.get(key, 1)),
                    assertThrows(StoreException.class, () -> nowhere.list("", Optional.empty())),
                    assertThrows(StoreException.class, () -> nowhere.begin(key)))) {
                assertEquals(Category.NO_BUCKET, e.category());
                assertTrue(e.getMessage().contains("no bucket 'no-such-bucket'"), e.getMessage());
                assertTrue(e.getMessage().contains("create it"), e.getMessage());
            }
        }
    }

    @Test
    void shouldSayThatTheCredentialsAreWrong() throws Exception {
        S3Credentials wrong = new S3Credentials("varve", "wrong", Optional.empty());
        S3Bucket bucket = new S3Bucket("some-bucket", "", server.endpoint(), Optional.of(wrong));

        try (ObjectStore denied = S3Store.open(bucket, WhenMissing.REFUSE, QUICK)) {
            StoreException e =
                    assertThrows(StoreException.class, () -> denied.put(new ObjectKey("a"), ByteBuffer.allocate(1)));

            assertEquals(Category.DENIED, e.category());
            assertTrue(e.getMessage().contains("can't write 'a': bucket 'some-bucket'"), e.getMessage());
            assertTrue(e.getMessage().contains("check the access key and the secret key"), e.getMessage());
        }
    }

    @Test
    void shouldSayThatAnAnonymousReaderHasNoRight() throws Exception {
        S3Bucket bucket = server.newBucket();
        S3Store.open(bucket, WhenMissing.CREATE, QUICK).close();
        S3Bucket anonymous = new S3Bucket(bucket.name(), "", server.endpoint(), Optional.empty());

        try (ObjectStore denied = S3Store.open(anonymous, WhenMissing.REFUSE, QUICK)) {
            StoreException e = assertThrows(StoreException.class, () -> denied.list("", Optional.empty()));

            assertEquals(Category.DENIED, e.category(), e.getMessage());
            assertTrue(e.getMessage().contains("give the access key this right"), e.getMessage());
        }
    }

    @Test
    void shouldSayThatNobodyAnswers() throws Exception {
        Endpoint nobody = new Endpoint(URI.create("http://127.0.0.1:1"), "us-east-1", Addressing.PATH);
        S3Bucket bucket = new S3Bucket("some-bucket", "", nobody, Optional.of(server.credentials()));

        try (ObjectStore away = S3Store.open(bucket, WhenMissing.REFUSE, QUICK)) {
            StoreException e = assertThrows(StoreException.class, () -> away.list("", Optional.empty()));

            assertEquals(Category.UNAVAILABLE, e.category());
            assertTrue(e.getMessage().contains("no S3 server answers at http://127.0.0.1:1"), e.getMessage());
        }
    }

    @Test
    void shouldNeverShowTheSecret() {
        S3Bucket bucket = server.newBucket();

        assertTrue(!bucket.toString().contains(server.credentials().secretKey()), bucket.toString());
    }
}
