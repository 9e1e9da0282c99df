package io.varve.capture.backend.qcow2;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.BackendAccess;
import io.varve.capture.backend.RequestFailedException;
import io.varve.capture.backend.ZeroMode;
import io.varve.core.bits.HierarchicalBitSet;
import io.varve.formats.nbd.NbdError;
import io.varve.formats.nbd.StatusExtent;
import io.varve.formats.qcow2.BitmapEntry;
import io.varve.formats.qcow2.DriveEntry;
import io.varve.formats.qcow2.DriveHeader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.NonWritableChannelException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * A qcow2 image, opened and locked until {@link #close()}.
 *
 * <p>Every request holds the gate's shared side while it's in progress, in pieces; its other side is taken for a
 * moment, to wait until nobody remembers a place in the file that's to be used for something else. Reads and writes in
 * place take no other lock.
 *
 * <p>Safe for any thread.
 */
public final class Qcow2Backend implements Backend {
    /** Guest bytes of a request that are handled at once. */
    private static final int PIECE_BYTES = 2 << 20;

    private final Path path;
    private final OpenedImage image;
    private final ImageBitmaps bitmaps;
    private final Optional<Qcow2Changes> changes;
    private final ReentrantReadWriteLock gate = new ReentrantReadWriteLock();
    private boolean closed; // Guarded by gate.

    Qcow2Backend(Path path, OpenedImage image) {
        this.path = path;
        this.image = image;
        bitmaps = new ImageBitmaps(image);
        changes = image.allocator().map(allocator -> new Qcow2Changes(image, allocator, bitmaps));
    }

    /**
     * Opens and locks an image, and the backing files under it if they may be followed.
     *
     * @throws IOException in one sentence: what is wrong with it, or that it's in use, and what to do
     */
    public static Qcow2Backend open(Path image, BackendAccess access, BackingRule backing) throws IOException {
        return open(List.of(image), access, backing::open);
    }

    /**
     * What lies under an image, as whoever opens it says.
     *
     * @see #open(Path, BackendAccess, Backing)
     */
    @FunctionalInterface
    public interface Backing {
        /** The backend that shows through, which the image closes with itself; empty for zeros. */
        Optional<Backend> under(DriveHeader header) throws IOException;
    }

    /** As {@link #open(Path, BackendAccess, BackingRule)}, with what {@code backing} gives under it. */
    public static Qcow2Backend open(Path image, BackendAccess access, Backing backing) throws IOException {
        return open(List.of(image), access, (_, header) -> backing.under(header));
    }

    /** The header as it was read. */
    public DriveHeader header() {
        return image.header();
    }

    /** What it holds itself, cluster by cluster. */
    public ImageClusters clusters() {
        return new ImageClusters(this, image, changes);
    }

    static Qcow2Backend open(List<Path> chain, BackendAccess access, BackingRule.Opener below) throws IOException {
        return new Qcow2Backend(chain.getLast(), OpenedImage.open(chain, access, below));
    }

    /** A part of a request. */
    interface Piece {
        void run() throws IOException;
    }

    void inGate(Piece piece) throws IOException {
        gate.readLock().lock();
        try {
            if (closed) {
                throw new RequestFailedException(NbdError.ESHUTDOWN, "image " + path + " is closed");
            }
            piece.run();
        } finally {
            gate.readLock().unlock();
        }
    }

    @Override
    public long sizeBytes() {
        return image.header().sizeBytes();
    }

    @Override
    public void read(long offsetBytes, ByteBuffer into) throws IOException {
        int end = into.limit();
        long position = offsetBytes;
        while (into.position() < end) {
            int pieceBytes = pieceBytes(position, end - into.position());
            into.limit(into.position() + pieceBytes);
            try {
                long pieceBegin = position;
                inGate(() -> readPiece(pieceBegin, into));
            } finally {
                into.limit(end);
            }
            position += pieceBytes;
        }
    }

    /** Up to a multiple of a piece's bytes. */
    private int pieceBytes(long offsetBytes, long lengthBytes) {
        return (int) Math.min(lengthBytes, PIECE_BYTES - (offsetBytes & (PIECE_BYTES - 1)));
    }

    private void readPiece(long offsetBytes, ByteBuffer into) throws IOException {
        int end = into.limit();
        long position = offsetBytes;
        while (into.position() < end) {
            long entry = image.map().entry(image.clusterOf(position));
            int runBytes = ClusterRuns.bytes(image, entry, position, end - into.position());
            into.limit(into.position() + runBytes);
            image.readCluster(entry, position, into);
            into.limit(end);
            position += runBytes;
        }
    }

    @Override
    public void write(long offsetBytes, ByteBuffer data) throws IOException {
        Qcow2Changes writable = changes();
        int end = data.limit();
        long position = offsetBytes;
        while (data.position() < end) {
            int pieceBytes = pieceBytes(position, end - data.position());
            data.limit(data.position() + pieceBytes);
            try {
                long pieceBegin = position;
                inGate(() -> writable.write(pieceBegin, data));
            } finally {
                data.limit(end);
            }
            position += pieceBytes;
            settleIfFull();
        }
    }

    @Override
    public void zero(long offsetBytes, long lengthBytes, ZeroMode mode) throws IOException {
        Qcow2Changes writable = changes();
        if (mode.mustBeFast() && lengthBytes > 0) {
            inGate(() -> writable.checkFast(offsetBytes, lengthBytes, mode));
        }
        long done = 0;
        while (done < lengthBytes) {
            long begin = offsetBytes + done;
            long pieceBytes = Math.min(lengthBytes - done, ClusterRuns.changeBytes(image, begin));
            inGate(() -> writable.zero(begin, pieceBytes, mode));
            done += pieceBytes;
            settleIfFull();
        }
    }

    @Override
    public void trim(long offsetBytes, long lengthBytes) throws IOException {
        Qcow2Changes writable = changes();
        long done = 0;
        while (done < lengthBytes) {
            long begin = offsetBytes + done;
            long pieceBytes = Math.min(lengthBytes - done, ClusterRuns.changeBytes(image, begin));
            inGate(() -> writable.trim(begin, pieceBytes));
            done += pieceBytes;
            settleIfFull();
        }
    }

    private Qcow2Changes changes() {
        return changes.orElseThrow(NonWritableChannelException::new);
    }

    private void settleIfFull() throws IOException {
        if (image.allocator().isPresent() && image.allocator().get().isFull()) {
            image.allocator().get().settle(this::awaitOthers);
        }
    }

    @SuppressWarnings("LockNotBeforeTry") // There's nothing to do but to have it had.
    private void awaitOthers() {
        gate.writeLock().lock();
        gate.writeLock().unlock();
    }

    /** Also gives the space of trimmed clusters back, and what was set aside for writes to come. */
    @Override
    public void flush() throws IOException {
        inGate(() -> {});
        if (image.allocator().isPresent()) {
            image.allocator().get().settle(this::awaitOthers);
        }
    }

    @Override
    public long zeroBytes(long offsetBytes, long lengthBytes) throws IOException {
        StatusExtent first = allocation(offsetBytes, lengthBytes, 1).getFirst();
        return (first.flags() & StatusExtent.ZERO) == 0 ? 0 : first.lengthBytes();
    }

    @Override
    public List<StatusExtent> allocation(long offsetBytes, long lengthBytes, int extentsMax) throws IOException {
        AllocationExtents extents = new AllocationExtents(extentsMax);
        inGate(() -> {
            long position = offsetBytes;
            long end = offsetBytes + lengthBytes;
            while (position < end && !extents.isFull()) {
                position += addExtent(position, end - position, extents);
            }
        });
        return extents.told();
    }

    /** What the image itself holds of a range's beginning, or doesn't; up to where that's so, or less. */
    public OwnExtent own(long offsetBytes, long lengthBytes) throws IOException {
        OwnExtent[] found = new OwnExtent[1];
        inGate(() -> found[0] = ClusterRuns.own(image, offsetBytes, lengthBytes));
        return found[0];
    }

    private long addExtent(long offsetBytes, long lengthBytes, AllocationExtents extents) throws IOException {
        long cluster = image.clusterOf(offsetBytes);
        if (!image.map().hasTable(cluster)) {
            long tableBytes =
                    image.header().clusterSize().offsetBytes(image.map().tableEnd(cluster)) - offsetBytes;
            return addBacking(offsetBytes, Math.min(lengthBytes, tableBytes), extents);
        }
        long entry = image.map().entry(cluster);
        long inCluster = offsetBytes & (image.clusterBytes() - 1);
        long pieceBytes = Math.min(lengthBytes, image.clusterBytes() - inCluster);
        switch (DriveEntry.kind(entry)) {
            case UNALLOCATED -> {
                return addBacking(offsetBytes, pieceBytes, extents);
            }
            case ZERO ->
                extents.add(
                        pieceBytes,
                        StatusExtent.ZERO | (DriveEntry.hostOffsetBytes(entry) == 0 ? StatusExtent.HOLE : 0));
            case DATA, COMPRESSED -> extents.add(pieceBytes, 0);
        }
        return pieceBytes;
    }

    /** @return how much was told */
    private long addBacking(long offsetBytes, long lengthBytes, AllocationExtents extents) throws IOException {
        long below = image.backing().map(Backend::sizeBytes).orElse(0L);
        if (offsetBytes >= below) {
            extents.add(lengthBytes, StatusExtent.HOLE | StatusExtent.ZERO);
            return lengthBytes;
        }
        long told = 0;
        for (StatusExtent extent : image.backing()
                .orElseThrow()
                .allocation(offsetBytes, Math.min(lengthBytes, below - offsetBytes), extents.roomMax())) {
            extents.add(extent.lengthBytes(), extent.flags());
            told += extent.lengthBytes();
        }
        return told;
    }

    /** A request that wants the image for itself. */
    interface Alone<T> {
        T run() throws IOException;
    }

    <T> T alone(Alone<T> request) throws IOException {
        gate.writeLock().lock();
        try {
            inGate(() -> {});
            return request.run();
        } finally {
            gate.writeLock().unlock();
        }
    }

    /**
     * The bitmaps that the image keeps. Whoever asks looks after them from now on: with the first change they're marked
     * as in use, and stay so unless {@link #storeBitmaps} comes last. If nobody asks, the first change drops them.
     */
    public BitmapOutcome<List<StoredBitmap>> loadBitmaps() throws IOException {
        return alone(bitmaps::load);
    }

    /** What a loaded bitmap holds, one bit a granule; refused after the first change, and when it's inconsistent. */
    public BitmapOutcome<HierarchicalBitSet> readBitmap(String name) throws IOException {
        return alone(() -> bitmaps.bits(name));
    }

    /** Why the image can't keep such a bitmap, as QEMU says it; empty when it can. */
    public Optional<String> objectionToBitmap(String name, long granularityBytes) throws IOException {
        return alone(() -> bitmaps.objection(name, granularityBytes));
    }

    /**
     * Durably stores bitmaps, which are valid until the next change; best just before {@link #close}. What was kept
     * before and isn't among them goes, except inconsistent ones.
     *
     * @return what the image keeps now
     * @throws IOException when it isn't known whether they were stored; they're in use then, or gone
     */
    public BitmapOutcome<List<StoredBitmap>> storeBitmaps(List<BitmapToStore> stored) throws IOException {
        return storeBitmaps(() -> stored);
    }

    /** As {@link #storeBitmaps(List)}, of bits that are gathered while nobody writes to the image. */
    public BitmapOutcome<List<StoredBitmap>> storeBitmaps(BitmapSource source) throws IOException {
        return changeBitmaps(allocator -> bitmaps.store(source.bitmaps(), allocator));
    }

    /** Gives bitmaps to store; must not use the image. */
    public interface BitmapSource {
        List<BitmapToStore> bitmaps() throws IOException;
    }

    /** Durably marks loaded bitmaps as in use, though nothing has changed yet. */
    public void markBitmapsInUse() throws IOException {
        Qcow2Changes writable = changes();
        boolean _ = alone(() -> {
            writable.beginChange();
            return true;
        });
    }

    /** The bitmaps as the file has them now, with their flags. */
    public List<BitmapEntry> bitmapEntries() throws IOException {
        return alone(bitmaps::listed);
    }

    /** Whether it's open for writing. */
    public boolean isWritable() {
        return changes.isPresent();
    }

    /** Durably removes a bitmap if it's there; it may be inconsistent. Returns what the image keeps now. */
    public BitmapOutcome<List<StoredBitmap>> removeBitmap(String name) throws IOException {
        return changeBitmaps(allocator -> bitmaps.remove(name, allocator));
    }

    private interface BitmapChange {
        BitmapOutcome<List<StoredBitmap>> by(ClusterAllocator allocator) throws IOException;
    }

    private BitmapOutcome<List<StoredBitmap>> changeBitmaps(BitmapChange change) throws IOException {
        Qcow2Changes writable = changes();
        return alone(() -> {
            ClusterAllocator allocator = image.allocator().orElseThrow();
            writable.bitmapsChanged();
            BitmapOutcome<List<StoredBitmap>> outcome = change.by(allocator);
            allocator.settle(this::awaitOthers);
            return outcome;
        });
    }

    @Override
    public void close() throws IOException {
        gate.writeLock().lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
        } finally {
            gate.writeLock().unlock();
        }
        try {
            if (changes.isPresent() && changes.get().isChanged()) {
                image.allocator().orElseThrow().settle(this::awaitOthers);
            }
        } finally {
            image.close();
        }
    }
}
