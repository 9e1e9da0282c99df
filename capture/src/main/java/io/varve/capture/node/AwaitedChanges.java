package io.varve.capture.node;

import io.varve.capture.backend.RequestFailedException;
import io.varve.capture.backend.UnknownOutcomeException;
import io.varve.capture.backend.ZeroMode;
import io.varve.capture.nbd.Completion;
import io.varve.capture.nbd.Export;
import io.varve.formats.nbd.NbdError;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** Changes of an export, each of which is waited for. Safe for any thread; an interrupt ends no wait. */
public record AwaitedChanges(Export export) {
    private static final LongSupplier NANOS = System::nanoTime;
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
        End end = new End();
        begin.with(end);
        end.await(waitNanosMax);
    }

    private static final class End implements Completion {
        private boolean ended;
        private String failure = "";
        private NbdError error = NbdError.EIO;
        private boolean perhaps;

        @Override
        public boolean isAwaited() {
            return true;
        }

        @Override
        public synchronized void done() {
            ended = true;
            notifyAll();
        }

        @Override
        public synchronized void failed(NbdError reason, String description) {
            error = reason;
            failure = description.isEmpty() ? reason.name() : description;
            done();
        }

        @Override
        public synchronized void failedPerhaps(String description) {
            perhaps = true;
            failed(NbdError.EIO, description);
        }

        synchronized void await(long waitNanosMax) throws IOException {
            awaitEnd(waitNanosMax);
            if (!ended) {
                throw new IOException("the storage hasn't answered a flush within "
                        + TimeUnit.NANOSECONDS.toMillis(waitNanosMax) + " ms");
            }
            if (perhaps) {
                throw new UnknownOutcomeException(failure);
            }
            if (!failure.isEmpty()) {
                throw new RequestFailedException(error, failure);
            }
        }

        private synchronized void awaitEnd(long waitNanosMax) {
            boolean interrupted = false;
            long beganNanos = NANOS.getAsLong();
            long leftNanos = waitNanosMax;
            while (!ended && leftNanos > 0) {
                try {
                    if (waitNanosMax == FOR_EVER) {
                        wait();
                    } else {
                        TimeUnit.NANOSECONDS.timedWait(this, leftNanos);
                        leftNanos = waitNanosMax - (NANOS.getAsLong() - beganNanos);
                    }
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
