package io.varve.capture.nbd;

import io.varve.core.Invariant;
import io.varve.formats.nbd.NbdCommand;
import io.varve.formats.nbd.NbdError;
import io.varve.formats.nbd.NbdRequest;
import io.varve.formats.nbd.ReplyEncoder;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * A request that an export is at work on, and how it ended.
 *
 * <pre>
 * RUNNING → ANSWERED   within the export's method: the connection's thread gathers the reply, and uses the slot again
 * RUNNING → LATE → ANSWERED   the method returned first: whoever completes hands the slot to the late replies
 * </pre>
 */
final class RequestSlot implements Completion {
    private static final int RUNNING = 0;
    private static final int LATE = 1;
    private static final int ANSWERED = 2;
    private static final long WEIGHED_BYTES = 64 * 1024;

    private final Consumer<RequestSlot> lateReplies;
    private final Thread connection = Thread.currentThread();
    private final AtomicInteger state = new AtomicInteger(RUNNING);
    // Written before the state becomes ANSWERED, read after it did.
    private long cookie;
    private long offsetBytes;
    private int weight;
    private boolean alone;
    private Optional<NbdError> error = Optional.empty();
    private String reason = "";

    RequestSlot(Consumer<RequestSlot> lateReplies) {
        this.lateReplies = lateReplies;
    }

    /** Starts a request; {@code asOnlyOne} when the client waits for no other. Thread: the connection's only. */
    RequestSlot begin(NbdRequest request, boolean asOnlyOne) {
        cookie = request.cookie();
        offsetBytes = request.offsetBytes();
        alone = asOnlyOne;
        weight = weightOf(request);
        error = Optional.empty();
        state.set(RUNNING);
        return this;
    }

    /** Whether the request has ended; if not, it will end by the late replies. Thread: the connection's only. */
    boolean isAnswered() {
        return !state.compareAndSet(RUNNING, LATE);
    }

    @Override
    public boolean isAwaited() {
        // Others must not read what only the connection's thread writes, and never wait.
        return Thread.currentThread() == connection && alone;
    }

    /** What the request costs while it's unanswered: one, and one for each 64 KiB that were written. */
    int weight() {
        return weight;
    }

    private static int weightOf(NbdRequest request) {
        return request.command() == NbdCommand.WRITE ? 1 + (int) (request.lengthBytes() / WEIGHED_BYTES) : 1;
    }

    @Override
    public void done() {
        settle();
    }

    @Override
    public void failed(NbdError failure, String failureReason) {
        error = Optional.of(failure);
        reason = failureReason;
        settle();
    }

    private void settle() {
        if (!state.compareAndSet(RUNNING, ANSWERED)) {
            Invariant.check(state.compareAndSet(LATE, ANSWERED), "one answer a request");
            lateReplies.accept(this);
        }
    }

    /** Writes the reply; it takes {@link ReplyEncoder#ERROR_BYTES_MAX} at most. */
    void encode(ReplyEncoder encoder, ByteBuffer out) {
        error.ifPresentOrElse(
                e -> encoder.failed(out, cookie, offsetBytes, e, reason), () -> encoder.done(out, cookie, offsetBytes));
    }
}
