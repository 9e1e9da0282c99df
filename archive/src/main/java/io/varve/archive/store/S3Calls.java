package io.varve.archive.store;

import io.minio.MinioAsyncClient;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import okhttp3.ConnectionPool;
import okhttp3.Dispatcher;
import okhttp3.OkHttpClient;

/** The SDK's client with Varve's limits: blocking calls, bounded retries of our own, errors as sentences. */
final class S3Calls implements AutoCloseable {
    private static final int CONNECTIONS = 64;
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);
    private static final Duration IO_TIMEOUT = Duration.ofSeconds(30);

    /** One request. */
    @FunctionalInterface
    interface Call<T> {
        T run(MinioAsyncClient client) throws IOException;
    }

    /** One request of the SDK. */
    @FunctionalInterface
    interface Request<T> {
        CompletableFuture<T> send(MinioAsyncClient client);
    }

    private final MinioAsyncClient client;
    private final Retries retries;
    private final S3Errors errors;

    S3Calls(S3Bucket bucket, Retries retries) {
        this.retries = retries;
        errors = new S3Errors(bucket);
        MinioAsyncClient.Builder builder = MinioAsyncClient.builder()
                .endpoint(bucket.endpoint().uri().toString())
                .region(bucket.endpoint().region())
                .httpClient(httpClient(), true);
        bucket.credentials().ifPresent(keys -> builder.credentialsProvider(new FixedCredentials(keys)));
        client = builder.build();
        switch (bucket.endpoint().addressing()) {
            case PATH -> client.disableVirtualStyleEndpoint();
            case VIRTUAL_HOST -> client.enableVirtualStyleEndpoint();
        }
    }

    /** Unlike the SDK's own: no retries beneath ours, as many requests at once as we send, threads that end with us. */
    private static OkHttpClient httpClient() {
        Dispatcher dispatcher = new Dispatcher(Executors.newVirtualThreadPerTaskExecutor());
        dispatcher.setMaxRequests(CONNECTIONS);
        dispatcher.setMaxRequestsPerHost(CONNECTIONS);
        return new OkHttpClient.Builder()
                .dispatcher(dispatcher)
                .connectionPool(new ConnectionPool(CONNECTIONS, 1, java.util.concurrent.TimeUnit.MINUTES))
                .connectTimeout(CONNECT_TIMEOUT)
                .readTimeout(IO_TIMEOUT)
                .writeTimeout(IO_TIMEOUT)
                .build();
    }

    /** Sends a request until it succeeds or the attempts are used up; {@code operation} completes "can't …". */
    <T> T call(String operation, Request<T> request) throws IOException {
        return run(operation, sdk -> await(request.send(sdk)));
    }

    /** As {@link #call}, for a request whose answer is read as a stream within the attempt. */
    <T> T run(String operation, Call<T> call) throws IOException {
        try {
            return attempt(call);
        } catch (IOException e) {
            throw explain(operation, e);
        }
    }

    /** As {@link #run}, but the failure is {@link S3Errors.Failed}, for who looks at the server's code. */
    <T> T attempt(Call<T> call) throws IOException {
        return retries.run(S3Errors::isPassing, () -> call.run(client));
    }

    StoreException explain(String operation, IOException failure) {
        return errors.explain(operation, failure);
    }

    static <T> T await(CompletableFuture<T> reply) throws IOException {
        try {
            return reply.get();
        } catch (ExecutionException e) {
            throw new S3Errors.Failed(rootCause(e));
        } catch (CancellationException e) {
            throw new S3Errors.Failed(e);
        } catch (InterruptedException e) {
            reply.cancel(true);
            Thread.currentThread().interrupt();
            InterruptedIOException interrupted = new InterruptedIOException("interrupted while waiting for S3");
            interrupted.initCause(e);
            throw interrupted;
        }
    }

    /** The SDK wraps errors in errors; its own type or the I/O error says what happened. */
    private static Throwable rootCause(Throwable failure) {
        Throwable cause = failure;
        while (cause.getCause() != null && !(cause instanceof io.minio.errors.ErrorResponseException)) {
            cause = cause.getCause();
        }
        return cause;
    }

    @Override
    public void close() {
        client.close();
    }
}
