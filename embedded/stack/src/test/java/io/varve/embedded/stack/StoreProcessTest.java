package io.varve.embedded.stack;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.minio.GetObjectArgs;
import io.minio.MakeBucketArgs;
import io.minio.MinioClient;
import io.minio.PutObjectArgs;
import io.minio.errors.ErrorResponseException;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoreProcessTest {

    private static final long RESIDENT_MAX_BYTES = 230L << 20;
    private static final S3Credentials OWN = new S3Credentials("varve", "a-secret-of-this-test");

    @TempDir
    static Path folder;

    private static StoreProcess store;

    @BeforeAll
    static void start() throws Exception {
        store = StoreProcess.start(folder.resolve("data"), folder.resolve("store.log"), OWN);
    }

    @AfterAll
    static void stop() {
        store.close();
    }

    @Test
    void shouldKeepObjectsAcrossAKill() throws Exception {
        var content = "a layer of sediment".getBytes(StandardCharsets.UTF_8);
        client(OWN).makeBucket(MakeBucketArgs.builder().bucket("kept").build());
        put(client(OWN), "kept", content);

        store.killNow();
        store.restart();
        var read = get("kept");

        assertArrayEquals(content, read);
        assertTrue(ResidentMemory.ofProcessBytes(store.process().pid()) <= RESIDENT_MAX_BYTES);
    }

    @Test
    void shouldRefuseForeignKeys() throws Exception {
        client(OWN).makeBucket(MakeBucketArgs.builder().bucket("guarded").build());
        var stranger = client(new S3Credentials("varve", "guessed"));

        var refusal = assertThrows(ErrorResponseException.class, () -> put(stranger, "guarded", new byte[1]));

        assertEquals("SignatureDoesNotMatch", refusal.errorResponse().code());
    }

    private static MinioClient client(S3Credentials credentials) {
        return MinioClient.builder()
                .endpoint(store.endpoint().toString())
                .region(StoreProcess.REGION)
                .credentials(credentials.accessKey(), credentials.secretKey())
                .build();
    }

    private static void put(MinioClient client, String bucket, byte[] content) throws Exception {
        client.putObject(PutObjectArgs.builder().bucket(bucket).object("object").stream(
                        new ByteArrayInputStream(content), (long) content.length, -1L)
                .build());
    }

    private static byte[] get(String bucket) throws Exception {
        try (var response = client(OWN)
                .getObject(
                        GetObjectArgs.builder().bucket(bucket).object("object").build())) {
            return response.readAllBytes();
        }
    }
}
