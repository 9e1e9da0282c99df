package io.varve.capture.tracking;

import io.varve.capture.activity.Activity;
import io.varve.capture.backend.Backend;
import io.varve.capture.backend.RequestFailedException;
import io.varve.capture.backend.UnknownOutcomeException;
import io.varve.capture.backend.ZeroMode;
import io.varve.capture.nbd.Completion;
import io.varve.capture.nbd.Export;
import io.varve.capture.snapshot.Snapshot;
import io.varve.formats.nbd.NbdError;
import io.varve.formats.nbd.StatusExtent;
import io.varve.formats.nbd.TransmissionFlag;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;

/**
 * A drive's export: each WRITE, TRIM and WRITE_ZEROES is marked before it reaches the backend, and keeps old content
 * for the live snapshots that it overwrites.
 *
 * <p>A write is done on the connection's thread, unless old content must be copied first, or the activity log must have
 * its region: then another thread waits for that, with a copy of the data, unless the client waits for it alone.
 *
 * <p>Thread: safe for any thread.
 */
final class TrackedDrive implements Export {
    /** A client that sends another request meanwhile isn't kept waiting for longer. */
    private static final long AWAITED_NANOS_MAX = TimeUnit.MILLISECONDS.toNanos(20);

    private final Backend backend;
    private final Export untracked;
    private final WritePath path;
    private final LiveContexts contexts;
    private final Activity activity;
    private final Executor waiting;

    /**
     * @param untracked the backend's export, for what changes nothing
     * @param surroundings of the writes
     */
    TrackedDrive(Backend backend, Export untracked, WritePath path, Surroundings surroundings) {
        this.backend = backend;
        this.untracked = untracked;
        this.path = path;
        this.contexts = surroundings.contexts();
        this.activity = surroundings.activity();
        this.waiting = surroundings.waiting();
    }

    /**
     * What the writes of a drive meet.
     *
     * @param activity what each asks before it reaches the image
     * @param waiting runs the writes that wait for old content to be copied, or for a region to become hot
     */
    record Surroundings(LiveContexts contexts, Activity activity, Executor waiting) {}

    /** The change of one request. */
    private interface Change {
        void apply() throws IOException;
    }

    @Override
    public long sizeBytes() {
        return path.sizeBytes();
    }

    @Override
    public Set<TransmissionFlag> flags() {
        return untracked.flags();
    }

    @Override
    public List<String> metaContexts() {
        List<String> names = new ArrayList<>(untracked.metaContexts());
        names.addAll(contexts.names());
        return names;
    }

    @Override
    public void read(long offsetBytes, ByteBuffer into) throws IOException {
        untracked.read(offsetBytes, into);
    }

    @Override
    public boolean readAtOnce(long offsetBytes, ByteBuffer into) throws IOException {
        return untracked.readAtOnce(offsetBytes, into);
    }

    @Override
    public long zeroBytes(long offsetBytes, long lengthBytes) throws IOException {
        return untracked.zeroBytes(offsetBytes, lengthBytes);
    }

    @Override
    public void willRead(long offsetBytes, long lengthBytes) {
        untracked.willRead(offsetBytes, lengthBytes);
    }

    @Override
    public void write(long offsetBytes, ByteBuffer data, Completion completion) {
        int lengthBytes = data.remaining();
        int slot = path.begin(offsetBytes, lengthBytes);
        if (slot < 0) {
            refuse(slot, completion);
            return;
        }
        try {
            if (mustWait(slot, offsetBytes, lengthBytes, completion)) {
                ByteBuffer copy = ByteBuffer.allocate(lengthBytes).put(data).flip();
                later(slot, offsetBytes, lengthBytes, () -> backend.write(offsetBytes, copy), completion);
                return;
            }
            backend.write(offsetBytes, data);
        } catch (IOException e) {
            failed(slot, lengthBytes, e, completion);
            return;
        } catch (RuntimeException | Error e) {
            path.end(slot, lengthBytes);
            throw e;
        }
        done(slot, lengthBytes, completion);
    }

    @Override
    public void writeZeroes(long offsetBytes, long lengthBytes, ZeroMode mode, Completion completion) {
        change(offsetBytes, lengthBytes, () -> backend.zero(offsetBytes, lengthBytes, mode), completion);
    }

    @Override
    public void trim(long offsetBytes, long lengthBytes, Completion completion) {
        change(offsetBytes, lengthBytes, () -> backend.trim(offsetBytes, lengthBytes), completion);
    }

    @Override
    public void flush(Completion completion) {
        path.flushes();
        untracked.flush(new Completion() {
            @Override
            public boolean isAwaited() {
                return completion.isAwaited();
            }

            @Override
            public void done() {
                path.flushes();
                completion.done();
            }

            @Override
            public void failed(NbdError error, String reason) {
                path.flushes();
                completion.failed(error, reason);
            }
        });
    }

    @Override
    public List<StatusExtent> blockStatus(String context, long offsetBytes, long lengthBytes, int extentsMax)
            throws IOException {
        return context.startsWith(StatusExtent.DIRTY_BITMAP_PREFIX)
                ? contexts.blockStatus(context, offsetBytes, lengthBytes, extentsMax)
                : untracked.blockStatus(context, offsetBytes, lengthBytes, extentsMax);
    }

    private void change(long offsetBytes, long lengthBytes, Change change, Completion completion) {
        int slot = path.begin(offsetBytes, lengthBytes);
        if (slot < 0) {
            refuse(slot, completion);
        } else if (mustWait(slot, offsetBytes, lengthBytes, completion)) {
            later(slot, offsetBytes, lengthBytes, change, completion);
        } else {
            apply(slot, lengthBytes, change, completion);
        }
    }

    /** Whether the write is to be done later; if not, what it overwrites is kept by now. */
    private boolean mustWait(int slot, long offsetBytes, long lengthBytes, Completion completion) {
        if (!activity.admits(offsetBytes, lengthBytes)) {
            if (!completion.isAwaited()) {
                return true;
            }
            activity.await(slot, offsetBytes, lengthBytes);
            path.resumes();
        }
        if (!mustPreserve(slot, offsetBytes, lengthBytes)) {
            return backend.isRemote() && !completion.isAwaited();
        }
        if (!completion.isAwaited() || !isPreservedSoon(slot, offsetBytes, lengthBytes)) {
            return true;
        }
        path.resumes();
        return false;
    }

    /**
     * Waits on the client's own thread, which has nothing else to do, as long as that's quicker than to wake another.
     */
    private boolean isPreservedSoon(int slot, long offsetBytes, long lengthBytes) {
        for (Snapshot snapshot : path.protectedBy(slot)) {
            if (!snapshot.isPreservedWithin(AWAITED_NANOS_MAX, offsetBytes, lengthBytes)) {
                return false;
            }
        }
        return true;
    }

    private boolean mustPreserve(int slot, long offsetBytes, long lengthBytes) {
        for (Snapshot snapshot : path.protectedBy(slot)) {
            if (snapshot.mustPreserve(offsetBytes, lengthBytes)) {
                return true;
            }
        }
        return false;
    }

    private void later(int slot, long offsetBytes, long lengthBytes, Change change, Completion completion) {
        try {
            waiting.execute(() ->
                    apply(slot, lengthBytes, () -> preserveThen(slot, offsetBytes, lengthBytes, change), completion));
        } catch (RejectedExecutionException e) {
            path.end(slot, lengthBytes);
            refuse(WritePath.REFUSED, completion);
        }
    }

    private void preserveThen(int slot, long offsetBytes, long lengthBytes, Change change) throws IOException {
        if (!activity.admits(offsetBytes, lengthBytes)) {
            activity.await(slot, offsetBytes, lengthBytes);
        }
        for (Snapshot snapshot : path.protectedBy(slot)) {
            snapshot.preserve(offsetBytes, lengthBytes);
        }
        path.resumes();
        change.apply();
    }

    private void refuse(int reason, Completion completion) {
        if (reason == WritePath.BEYOND_END) {
            completion.failed(NbdError.ENOSPC, "the drive was made smaller: it has " + path.sizeBytes() + " bytes now");
        } else {
            completion.failed(NbdError.ESHUTDOWN, "the drive is being detached");
        }
    }

    private void apply(int slot, long lengthBytes, Change change, Completion completion) {
        try {
            change.apply();
        } catch (IOException e) {
            failed(slot, lengthBytes, e, completion);
            return;
        } catch (RuntimeException | Error e) {
            path.end(slot, lengthBytes);
            completion.failed(NbdError.EIO, "the write failed: " + e);
            throw e;
        }
        done(slot, lengthBytes, completion);
    }

    // I5: a completion passes the gate before it is told.
    private void done(int slot, long lengthBytes, Completion completion) {
        path.end(slot, lengthBytes);
        completion.done();
    }

    /** The marks stay (I2): the write may have changed some of its range. */
    private void failed(int slot, long lengthBytes, IOException failure, Completion completion) {
        if (failure instanceof UnknownOutcomeException) {
            path.lose(slot, lengthBytes);
            completion.failedPerhaps(String.valueOf(failure.getMessage()));
            return;
        }
        path.end(slot, lengthBytes);
        completion.failed(RequestFailedException.errorOf(failure), String.valueOf(failure.getMessage()));
    }
}
