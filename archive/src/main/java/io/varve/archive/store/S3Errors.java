package io.varve.archive.store;

import io.minio.errors.ErrorResponseException;
import io.minio.errors.MinioException;
import io.varve.archive.store.StoreException.Category;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.util.Set;

/** Says in one sentence what an S3 server's or the network's failure means. */
final class S3Errors {
    private static final Set<String> DENIED = Set.of(
            "AccessDenied",
            "AllAccessDisabled",
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
            "InvalidToken",
            "ExpiredToken");
    private static final Set<String> BAD_KEYS =
            Set.of("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken");
    private static final int TOO_MANY_REQUESTS = 429;
    private static final int REQUEST_TIMEOUT = 408;
    private static final int CONFLICT = 409;
    private static final int SERVER_ERROR = 500;

    private final S3Bucket bucket;

    S3Errors(S3Bucket bucket) {
        this.bucket = bucket;
    }

    /** What went wrong in one attempt: kept apart from the sentence, so that retries can look at it. */
    static final class Failed extends IOException {
        private static final long serialVersionUID = 1L;

        Failed(Throwable cause) {
            super(cause);
        }
    }

    /** True when the same request may succeed a moment later. */
    static boolean isPassing(IOException failure) {
        Throwable cause = failure instanceof Failed ? failure.getCause() : failure;
        return switch (cause) {
            case StoreException _ -> false;
            case ErrorResponseException e -> isPassing(e);
            case MinioException _ -> true;
            case SocketTimeoutException _ -> true;
            case InterruptedIOException _ -> false;
            case IOException _ -> true;
            case null, default -> false;
        };
    }

    private static boolean isPassing(ErrorResponseException e) {
        int status = e.response().code();
        return status >= SERVER_ERROR || status == TOO_MANY_REQUESTS || status == REQUEST_TIMEOUT || status == CONFLICT;
    }

    /** The server's error code, or empty when it didn't answer with one. */
    static String code(IOException failure) {
        return failure.getCause() instanceof ErrorResponseException e
                ? e.errorResponse().code()
                : "";
    }

    /** The sentence for the user. */
    StoreException explain(String operation, IOException failure) {
        Throwable cause = failure instanceof Failed ? failure.getCause() : failure;
        return switch (cause) {
            case StoreException known -> known;
            case ErrorResponseException e -> explain(operation, e);
            case ConnectException e -> unreachable(operation, e);
            case UnknownHostException e -> unreachable(operation, e);
            case null, default -> unavailable(operation, failure);
        };
    }

    private StoreException explain(String operation, ErrorResponseException e) {
        String code = e.errorResponse().code();
        String where = "bucket '" + bucket.name() + "' at " + bucket.endpoint().uri();
        if (BAD_KEYS.contains(code)) {
            return new StoreException(
                    Category.DENIED,
                    "can't " + operation + ": " + where + " doesn't accept the credentials (" + code
                            + "); check the access key and the secret key",
                    e);
        }
        if (DENIED.contains(code) || e.response().code() == 403) {
            return new StoreException(
                    Category.DENIED,
                    "can't " + operation + ": " + where + " denies it (" + code
                            + "); give the access key this right on the bucket, or name another with --archive",
                    e);
        }
        if ("NoSuchBucket".equals(code)) {
            return new StoreException(
                    Category.NO_BUCKET,
                    "can't " + operation + ": there is no " + where + "; create it, or name another with --archive",
                    e);
        }
        if ("NoSuchKey".equals(code) || "InvalidRange".equals(code)) {
            return new StoreException(
                    Category.MISSING,
                    "can't " + operation + ": " + where + " has no such object, or it's too short",
                    e);
        }
        if (isPassing(e)) {
            return new StoreException(
                    Category.UNAVAILABLE,
                    "can't " + operation + ": " + where + " failed at every attempt (" + code + "); try again later",
                    e);
        }
        return new StoreException(
                Category.REFUSED,
                "can't " + operation + ": " + where + " refuses it (" + code + ": "
                        + e.errorResponse().message() + "); check --s3-endpoint and --s3-region",
                e);
    }

    private StoreException unreachable(String operation, IOException e) {
        return new StoreException(
                Category.UNAVAILABLE,
                "can't " + operation + ": no S3 server answers at "
                        + bucket.endpoint().uri() + " (bucket '" + bucket.name()
                        + "'); is it running, and is --s3-endpoint right?",
                e);
    }

    private StoreException unavailable(String operation, Throwable cause) {
        return new StoreException(
                Category.UNAVAILABLE,
                "can't " + operation + ": bucket '" + bucket.name() + "' at "
                        + bucket.endpoint().uri() + " failed at every attempt (" + firstLine(cause)
                        + "); try again later",
                cause);
    }

    private static String firstLine(Throwable cause) {
        String text = String.valueOf(cause.getMessage());
        return text.lines().findFirst().orElse(cause.getClass().getSimpleName());
    }
}
