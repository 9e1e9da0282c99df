package io.varve.transfer.nbd;

import io.varve.core.bits.Extent;
import io.varve.formats.nbd.NbdError;
import io.varve.formats.nbd.NbdRequest;
import io.varve.formats.nbd.StatusExtent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * A request without an answer yet, and what has come of the answer.
 *
 * <p>Thread: the reader's only, but for the future.
 */
final class PendingRequest {
    private final NbdRequest request;
    private final ByteBuffer into;
    private final int contextId;
    private final CompletableFuture<List<StatusExtent>> future = new CompletableFuture<>();
    private final List<Extent> received = new ArrayList<>(1);
    private List<StatusExtent> status = List.of();
    private Optional<NbdException> error = Optional.empty();

    /** {@code into} is what a READ's data goes to, of exactly its length; it's empty for other requests. */
    PendingRequest(NbdRequest request, ByteBuffer into, int contextId) {
        this.request = request;
        this.into = into;
        this.contextId = contextId;
    }

    NbdRequest request() {
        return request;
    }

    /** Ends with the block status; with an empty list for other requests. */
    CompletableFuture<List<StatusExtent>> future() {
        return future;
    }

    /** The part of the READ's buffer that a chunk is for. */
    ByteBuffer part(long offsetBytes, long lengthBytes) throws IOException {
        long start = offsetBytes - request.offsetBytes();
        if (offsetBytes < request.offsetBytes() || lengthBytes <= 0 || lengthBytes > into.capacity() - start) {
            throw new IOException(what() + " was answered with " + lengthBytes + " bytes at " + offsetBytes);
        }
        received.add(new Extent(offsetBytes, lengthBytes));
        return into.slice((int) start, (int) lengthBytes);
    }

    void status(int answeredContextId, List<StatusExtent> extents) {
        if (answeredContextId == contextId) {
            status = extents;
        }
    }

    void fail(int errorCode, String serverMessage) {
        NbdError known = NbdError.of(errorCode);
        String said = serverMessage.isEmpty() ? known.meaning() : serverMessage;
        error = error.isPresent()
                ? error
                : Optional.of(new NbdException(known, what() + " failed: " + known + ", " + said));
    }

    /** Ends the request: its answer is complete. */
    void finish() {
        if (error.isPresent()) {
            future.completeExceptionally(error.get());
        } else if (into.capacity() > 0 && !isCovered()) {
            future.completeExceptionally(new IOException(what() + " was answered with other ranges: " + received));
        } else {
            future.complete(status);
        }
    }

    private boolean isCovered() {
        received.sort(Comparator.comparingLong(Extent::offsetBytes));
        long position = request.offsetBytes();
        for (Extent extent : received) {
            if (extent.offsetBytes() != position) {
                return false;
            }
            position = extent.endBytes();
        }
        return position == request.offsetBytes() + request.lengthBytes();
    }

    private String what() {
        return request.command() + " of " + request.lengthBytes() + " bytes at " + request.offsetBytes();
    }
}
