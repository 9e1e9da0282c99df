package io.varve.capture.node;

import io.varve.capture.backend.RequestFailedException;
import io.varve.capture.backend.UnknownOutcomeException;
import io.varve.capture.backend.ZeroMode;
import io.varve.capture.nbd.Completion;
import io.varve.capture.nbd.Export;
import io.varve.formats.nbd.NbdError;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Changes of an export, each of which is waited for. Safe for any thread; an interrupt ends no wait. */
public record AwaitedChanges(Export export) {
    private static final long FOR_EVER = Long.MAX_VALUE;

    private interface Begin {
        void with(Completion completion);
    }

    public void write(long offsetBytes, ByteBuffer data) throws IOException {
        await(end -> export.write(offsetBytes, data, end), FOR_EVER);
    }

    public void zero(long offsetBytes, long lengthBytes, ZeroMode mode) throws IOException {
        await(end -> export.writeZeroes(offsetBytes, lengthBytes, mode, end), FOR_EVER);
    }

    public void trim(long offsetBytes, long lengthBytes) throws IOException {
        await(end -> export.trim(offsetBytes, lengthBytes, end), FOR_EVER);
    }

    public void flush() throws IOException {
        await(export::flush, FOR_EVER);
    }

    /**
     * Flushes.
     *
     * @throws IOException also when it takes longer; then it may still end
     */
    public void flush(long waitNanosMax) throws IOException {
        await(export::flush, waitNanosMax);
    }

    private static void await(Begin begin, long waitNanosMax) throws IOException {
        End end = new End(new CompletableFuture<>());
        begin.with(end);
        try {
            CompletableFuture<Void> ended = waitNanosMax == FOR_EVER
                    ? end.result()
                    : end.result().orTimeout(waitNanosMax, TimeUnit.NANOSECONDS);
            // Unlike get, it goes on when the thread is interrupted.
            ended.join();
        } catch (CompletionException e) {
            throw failure(e, waitNanosMax);
        }
    }

    private static IOException failure(CompletionException e, long waitNanosMax) {
        return switch (e.getCause()) {
            case TimeoutException _ ->
                new IOException("the storage hasn't answered a flush within "
                        + TimeUnit.NANOSECONDS.toMillis(waitNanosMax) + " ms");
            case IOException failure -> failure;
            case null, default -> throw e;
        };
    }

    private record End(CompletableFuture<Void> result) implements Completion {
        @Override
        public boolean isAwaited() {
            return true;
        }

        @Override
        public void done() {
            result.complete(null);
        }

        @Override
        public void failed(NbdError error, String description) {
            result.completeExceptionally(
                    new RequestFailedException(error, description.isEmpty() ? error.name() : description));
        }

        @Override
        public void failedPerhaps(String description) {
            result.completeExceptionally(
                    new UnknownOutcomeException(description.isEmpty() ? NbdError.EIO.name() : description));
        }
    }
}
