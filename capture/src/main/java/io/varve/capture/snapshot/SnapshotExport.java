package io.varve.capture.snapshot;

import io.varve.capture.backend.RequestFailedException;
import io.varve.capture.backend.ZeroMode;
import io.varve.capture.nbd.Completion;
import io.varve.capture.nbd.DirtyExtents;
import io.varve.capture.nbd.Export;
import io.varve.core.bits.Marks;
import io.varve.formats.nbd.NbdError;
import io.varve.formats.nbd.StatusExtent;
import io.varve.formats.nbd.TransmissionFlag;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A snapshot as a read-only NBD export: QEMU's pull model. Its cut is the context {@code qemu:dirty-bitmap:NAME}; in
 * {@code base:allocation} everything counts as allocated data. A TRIM says that a part isn't needed any more: the
 * guest's writes there wait for nothing, and what was kept is freed.
 */
public final class SnapshotExport implements Export {
    private static final long EXTENT_BYTES_MAX = 1L << 30;

    private static final Set<TransmissionFlag> FLAGS = flagsWithTrim();

    private final Snapshot snapshot;
    private final Optional<DirtyContext> cut;

    /** The cut of a bitmap, as clients see it. */
    public record DirtyContext(String bitmap, Marks marks) {}

    public SnapshotExport(Snapshot snapshot, Optional<DirtyContext> cut) {
        this.snapshot = snapshot;
        this.cut = cut;
    }

    private static Set<TransmissionFlag> flagsWithTrim() {
        Set<TransmissionFlag> flags = EnumSet.copyOf(TransmissionFlag.UNWRITABLE);
        flags.add(TransmissionFlag.SEND_TRIM);
        return Collections.unmodifiableSet(flags);
    }

    @Override
    public long sizeBytes() {
        return snapshot.sizeBytes();
    }

    @Override
    public Set<TransmissionFlag> flags() {
        return FLAGS;
    }

    @Override
    public List<String> metaContexts() {
        List<String> contexts = new ArrayList<>();
        contexts.add(StatusExtent.BASE_ALLOCATION);
        cut.ifPresent(c -> contexts.add(StatusExtent.DIRTY_BITMAP_PREFIX + c.bitmap()));
        return contexts;
    }

    @Override
    public void read(long offsetBytes, ByteBuffer into) throws IOException {
        int lengthBytes = into.remaining();
        switch (snapshot.read(offsetBytes, into)) {
            case SnapshotRead.Done done -> {}
            case SnapshotRead.Unprotected unprotected ->
                throw new RequestFailedException(
                        NbdError.EINVAL,
                        "snapshot '" + snapshot.name() + "' doesn't protect all of [" + offsetBytes + ", "
                                + (offsetBytes + lengthBytes) + "): read only what its dirty bitmap names");
            case SnapshotRead.Gone(String reason) -> throw new RequestFailedException(NbdError.EIO, reason);
        }
    }

    @Override
    public void write(long offsetBytes, ByteBuffer data, Completion completion) {
        refuse(completion);
    }

    @Override
    public void writeZeroes(long offsetBytes, long lengthBytes, ZeroMode mode, Completion completion) {
        refuse(completion);
    }

    @Override
    public void trim(long offsetBytes, long lengthBytes, Completion completion) {
        snapshot.discard(offsetBytes, lengthBytes);
        completion.done();
    }

    @Override
    public void flush(Completion completion) {
        completion.done();
    }

    @Override
    public List<StatusExtent> blockStatus(String context, long offsetBytes, long lengthBytes, int extentsMax) {
        if (context.equals(StatusExtent.BASE_ALLOCATION)) {
            return List.of(new StatusExtent(Math.min(lengthBytes, EXTENT_BYTES_MAX), 0));
        }
        return DirtyExtents.of(cut.orElseThrow().marks(), offsetBytes, lengthBytes, extentsMax);
    }

    private void refuse(Completion completion) {
        completion.failed(NbdError.EPERM, "snapshot '" + snapshot.name() + "' is read-only");
    }
}
