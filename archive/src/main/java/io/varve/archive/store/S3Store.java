package io.varve.archive.store;

import io.minio.BucketExistsArgs;
import io.minio.CreateMultipartUploadArgs;
import io.minio.GetObjectArgs;
import io.minio.GetObjectResponse;
import io.minio.HeadObjectArgs;
import io.minio.Http;
import io.minio.ListObjectsV2Args;
import io.minio.MakeBucketArgs;
import io.minio.ObjectWriteResponse;
import io.minio.PutObjectAPIArgs;
import io.minio.messages.ListBucketResultV2;
import io.varve.archive.store.StoreException.Category;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Objects in an S3 bucket below a prefix. Commits rest on {@code PUT} with {@code If-None-Match: *} alone, never on a
 * conditional completion, which some servers ignore. Safe for any thread.
 */
public final class S3Store implements ObjectStore {
    private static final Set<String> ABSENT = Set.of("NoSuchKey", "NotFound");
    private static final String PRECONDITION_FAILED = "PreconditionFailed";
    private static final Set<String> ALREADY_MADE = Set.of("BucketAlreadyOwnedByYou", "BucketAlreadyExists");
    private static final int PAGE_KEYS = 1000;

    private final S3Bucket bucket;
    private final S3Calls calls;

    private S3Store(S3Bucket bucket, S3Calls calls) {
        this.bucket = bucket;
        this.calls = calls;
    }

    /** Opens the bucket; one that isn't there is made only if {@code whenMissing} says so. */
    public static S3Store open(S3Bucket bucket, WhenMissing whenMissing, Retries retries) throws IOException {
        S3Store store = new S3Store(bucket, new S3Calls(bucket, retries));
        try {
            if (whenMissing == WhenMissing.CREATE) {
                store.makeBucket();
            }
            return store;
        } catch (IOException e) {
            store.close();
            throw e;
        }
    }

    private void makeBucket() throws IOException {
        String name = bucket.name();
        boolean exists = calls.call(
                "look up the bucket",
                client -> client.bucketExists(
                        BucketExistsArgs.builder().bucket(name).build()));
        if (exists) {
            return;
        }
        try {
            calls.attempt(client -> S3Calls.await(
                    client.makeBucket(MakeBucketArgs.builder().bucket(name).build())));
        } catch (IOException e) {
            // Another process that starts at the same time may have made it.
            if (!ALREADY_MADE.contains(S3Errors.code(e))) {
                throw calls.explain("create the bucket", e);
            }
        }
    }

    @Override
    public void put(ObjectKey key, ByteBuffer bytes) throws IOException {
        S3Body body = S3Body.of(bytes);
        calls.call("write '" + key + "'", client -> client.putObject(putArgs(key, body, body.headers())));
    }

    @Override
    public PutResult putIfAbsent(ObjectKey key, ByteBuffer bytes) throws IOException {
        S3Body body = S3Body.of(bytes);
        Http.Headers headers = body.headers();
        headers.put("If-None-Match", "*");
        try {
            ObjectWriteResponse written =
                    calls.attempt(client -> S3Calls.await(client.putObject(putArgs(key, body, headers))));
            return written == null ? new PutResult.Exists() : new PutResult.Created();
        } catch (IOException e) {
            if (PRECONDITION_FAILED.equals(S3Errors.code(e))) {
                return new PutResult.Exists();
            }
            throw calls.explain("write '" + key + "'", e);
        }
    }

    private PutObjectAPIArgs putArgs(ObjectKey key, S3Body body, Http.Headers headers) {
        return PutObjectAPIArgs.builder()
                .bucket(bucket.name())
                .object(fullKey(key))
                .data(body.bytes(), body.lengthBytes())
                .headers(headers)
                .build();
    }

    @Override
    public Optional<byte[]> get(ObjectKey key, int limitBytes) throws IOException {
        Optional<byte[]> bytes = unlessAbsent(
                "read '" + key + "'",
                () -> calls.attempt(client -> {
                    try (GetObjectResponse reply =
                            S3Calls.await(client.getObject(getArgs(key).build()))) {
                        return reply.readNBytes(limitBytes + 1);
                    }
                }));
        if (bytes.isPresent() && bytes.get().length > limitBytes) {
            throw new StoreException(
                    Category.TOO_LARGE,
                    "'" + key + "' in " + describe() + " has more than " + limitBytes
                            + " bytes; it can't be what it should be");
        }
        return bytes;
    }

    @Override
    public void read(ObjectKey key, long offsetBytes, ByteBuffer target) throws IOException {
        if (!target.hasRemaining()) {
            return;
        }
        GetObjectArgs args = getArgs(key)
                .offset(offsetBytes)
                .length((long) target.remaining())
                .build();
        calls.run("read '" + key + "' at byte " + offsetBytes, client -> {
            try (GetObjectResponse reply = S3Calls.await(client.getObject(args))) {
                return S3Body.fill(reply, key, target);
            }
        });
        target.position(target.limit());
    }

    private GetObjectArgs.Builder getArgs(ObjectKey key) {
        return GetObjectArgs.builder().bucket(bucket.name()).object(fullKey(key));
    }

    @Override
    public Optional<ObjectSummary> head(ObjectKey key) throws IOException {
        HeadObjectArgs args = HeadObjectArgs.builder()
                .bucket(bucket.name())
                .object(fullKey(key))
                .build();
        return unlessAbsent(
                        "look up '" + key + "'", () -> calls.attempt(client -> S3Calls.await(client.headObject(args))))
                .map(reply -> new ObjectSummary(key, reply.size()));
    }

    private <T> Optional<T> unlessAbsent(String operation, Retries.Attempt<T> request) throws IOException {
        try {
            return Optional.of(request.run());
        } catch (IOException e) {
            if (ABSENT.contains(S3Errors.code(e))) {
                return Optional.empty();
            }
            throw calls.explain(operation, e);
        }
    }

    @Override
    public ObjectPage list(String prefix, Optional<ObjectKey> after) throws IOException {
        ListObjectsV2Args.Builder args = ListObjectsV2Args.builder()
                .bucket(bucket.name())
                .prefix(root() + prefix)
                .maxKeys(PAGE_KEYS);
        after.ifPresent(key -> args.startAfter(fullKey(key)));
        ListBucketResultV2 result = calls.call("list '" + prefix + "'", client -> client.listObjectsV2(args.build()))
                .result();
        List<ObjectSummary> objects = new ArrayList<>();
        Optional<ObjectKey> last = Optional.empty();
        for (var item : result.contents()) {
            String name = item.objectName().substring(root().length());
            if (ObjectKey.isValid(name)) {
                last = Optional.of(new ObjectKey(name));
                objects.add(new ObjectSummary(last.get(), item.size()));
            }
        }
        return new ObjectPage(objects, result.isTruncated() ? last : Optional.empty());
    }

    @Override
    public MultipartUpload begin(ObjectKey key) throws IOException {
        CreateMultipartUploadArgs args = CreateMultipartUploadArgs.builder()
                .bucket(bucket.name())
                .object(fullKey(key))
                .build();
        String uploadId = calls.call("begin '" + key + "'", client -> client.createMultipartUpload(args))
                .result()
                .uploadId();
        return new S3Upload(calls, new S3Upload.Target(bucket.name(), fullKey(key), uploadId), key);
    }

    private String fullKey(ObjectKey key) {
        return root() + key;
    }

    private String root() {
        return bucket.prefix().isEmpty() ? "" : bucket.prefix() + "/";
    }

    @Override
    public String describe() {
        return "s3://" + bucket.name() + (bucket.prefix().isEmpty() ? "" : "/" + bucket.prefix());
    }

    @Override
    public void close() {
        calls.close();
    }
}
