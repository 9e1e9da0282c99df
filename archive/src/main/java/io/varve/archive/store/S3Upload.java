package io.varve.archive.store;

import io.minio.AbortMultipartUploadArgs;
import io.minio.CompleteMultipartUploadArgs;
import io.minio.HeadObjectArgs;
import io.minio.UploadPartArgs;
import io.minio.messages.Part;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * A multipart upload. Its parts are known here, so that nobody lists them; the completion isn't conditional, since an
 * attempt's keys are its own.
 */
final class S3Upload implements MultipartUpload {
    private static final String NO_SUCH_UPLOAD = "NoSuchUpload";

    /** What a request of this upload names. */
    record Target(String bucket, String object, String uploadId) {}

    private final S3Calls calls;
    private final Target target;
    private final ObjectKey key;
    private final PartLedger<Part> ledger;

    S3Upload(S3Calls calls, Target target, ObjectKey key) {
        this.calls = calls;
        this.target = target;
        this.key = key;
        ledger = new PartLedger<>(key);
    }

    @Override
    public StoredPart uploadPart(int number, ByteBuffer bytes) throws IOException {
        ledger.checkNumber(number);
        S3Body body = S3Body.of(bytes);
        Part handle = calls.call(
                        "write part " + number + " of '" + key + "'",
                        client -> client.uploadPart(UploadPartArgs.builder()
                                .bucket(target.bucket())
                                .object(target.object())
                                .uploadId(target.uploadId())
                                .partNumber(number)
                                .data(body.bytes(), body.lengthBytes())
                                .headers(body.headers())
                                .build()))
                .part();
        StoredPart part = new StoredPart(body.lengthBytes(), body.sha256());
        ledger.stored(number, part, handle);
        return part;
    }

    @Override
    public StoredParts complete() throws IOException {
        StoredParts parts = ledger.whole();
        CompleteMultipartUploadArgs args = CompleteMultipartUploadArgs.builder()
                .bucket(target.bucket())
                .object(target.object())
                .uploadId(target.uploadId())
                .parts(ledger.handles().toArray(Part[]::new))
                .maxRetries(1)
                .build();
        try {
            calls.attempt(client -> S3Calls.await(client.completeMultipartUpload(args)));
        } catch (IOException e) {
            // The reply to an attempt that succeeded may be lost; the next one is then told that there's no such
            // upload.
            if (!NO_SUCH_UPLOAD.equals(S3Errors.code(e)) || storedBytes() != parts.lengthBytes()) {
                throw calls.explain("complete '" + key + "'", e);
            }
        }
        return parts;
    }

    private long storedBytes() throws IOException {
        HeadObjectArgs args = HeadObjectArgs.builder()
                .bucket(target.bucket())
                .object(target.object())
                .build();
        return calls.call("look up '" + key + "'", client -> client.headObject(args))
                .size();
    }

    @Override
    public void abort() throws IOException {
        AbortMultipartUploadArgs args = AbortMultipartUploadArgs.builder()
                .bucket(target.bucket())
                .object(target.object())
                .uploadId(target.uploadId())
                .build();
        try {
            calls.attempt(client -> S3Calls.await(client.abortMultipartUpload(args)));
        } catch (IOException e) {
            if (!NO_SUCH_UPLOAD.equals(S3Errors.code(e))) {
                throw calls.explain("abort '" + key + "'", e);
            }
        }
    }
}
