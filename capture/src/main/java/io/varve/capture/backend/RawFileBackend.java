package io.varve.capture.backend;

import io.varve.formats.nbd.NbdError;
import io.varve.formats.nbd.StatusExtent;
import java.io.EOFException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A raw image file or a block device, opened and locked until {@link #close()}.
 *
 * <p>Safe for any thread.
 */
public final class RawFileBackend implements Backend {
    private static final int SECTOR_BYTES = 512;
    private static final int ZERO_BYTES = 1 << 20;
    private static final long EXTENT_BYTES_MAX = 1L << 31;
    private static final Set<String> MEMORY_FILE_SYSTEMS = Set.of("tmpfs", "ramfs");
    private static final ByteBuffer ZEROES =
            ByteBuffer.allocateDirect(ZERO_BYTES).asReadOnlyBuffer();

    private final Path image;
    private final ImageDescriptor descriptor;
    private final FileChannel channel;
    private final FlushLanes lanes;
    private final Optional<CachedReads> cachedReads;
    private final boolean inMemory;
    private volatile long sizeBytes;

    private RawFileBackend(Path image, ImageDescriptor descriptor, FileChannel channel, FlushLanes lanes)
            throws IOException {
        this.image = image;
        this.descriptor = descriptor;
        this.channel = channel;
        this.lanes = lanes;
        this.sizeBytes = channel.size();
        this.cachedReads = CachedReads.of(descriptor);
        this.inMemory = MEMORY_FILE_SYSTEMS.contains(
                Files.getFileStore(descriptor.procPath()).type());
    }

    /**
     * Opens and locks an image.
     *
     * @throws IOException in one sentence: no such image, no permission, in use, or a size that isn't whole sectors
     */
    public static RawFileBackend open(Path image, BackendAccess access) throws IOException {
        RawFileBackend backend = openOfAnySize(image, access);
        if (backend.sizeBytes == 0 || backend.sizeBytes % SECTOR_BYTES != 0) {
            backend.close();
            throw new IOException("image " + image + " has " + backend.sizeBytes
                    + " bytes, expected a positive multiple of 512; resize it, for example by truncate -s %512");
        }
        return backend;
    }

    /**
     * Opens and locks a file in which something else lies than a drive's bytes, and which may grow.
     *
     * @throws IOException in one sentence: no such image, no permission, or in use
     */
    public static RawFileBackend openOfAnySize(Path image, BackendAccess access) throws IOException {
        return over(image, access, ImageDescriptor.open(image, access));
    }

    /**
     * Opens for reading what this process has open and locked already, as another image or a part of one.
     *
     * @throws IOException in one sentence: no such image, or no permission
     */
    public static RawFileBackend openBeside(Path image) throws IOException {
        return over(image, BackendAccess.READ_ONLY, ImageDescriptor.openUnlocked(image, BackendAccess.READ_ONLY));
    }

    private static RawFileBackend over(Path image, BackendAccess access, ImageDescriptor descriptor)
            throws IOException {
        try {
            FileChannel channel = access == BackendAccess.READ_WRITE
                    ? FileChannel.open(descriptor.procPath(), StandardOpenOption.READ, StandardOpenOption.WRITE)
                    : FileChannel.open(descriptor.procPath(), StandardOpenOption.READ);
            FlushLanes lanes = FlushLanes.open(image, descriptor.procPath(), access);
            return new RawFileBackend(image, descriptor, channel, lanes);
        } catch (IOException e) {
            descriptor.close();
            throw e;
        }
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public void read(long offsetBytes, ByteBuffer into) throws IOException {
        long position = offsetBytes;
        try {
            while (into.hasRemaining()) {
                int count = channel.read(into, position);
                if (count < 0) {
                    throw new EOFException("image " + image + " ends at " + position + " bytes, expected " + sizeBytes
                            + "; was it truncated?");
                }
                position += count;
            }
        } catch (ClosedChannelException e) {
            throw closed(e);
        }
    }

    @Override
    public boolean readAtOnce(long offsetBytes, ByteBuffer into) throws IOException {
        if (cachedReads.isPresent() && into.isDirect()) {
            return cachedReads.get().read(offsetBytes, into);
        }
        if (inMemory) {
            read(offsetBytes, into);
        }
        return inMemory;
    }

    @Override
    public long zeroBytes(long offsetBytes, long lengthBytes) throws IOException {
        return descriptor.seek(LinuxCalls.SEEK_DATA, offsetBytes, offsetBytes + lengthBytes) - offsetBytes;
    }

    @Override
    public void willRead(long offsetBytes, long lengthBytes) {
        if (!inMemory) {
            descriptor.willRead(offsetBytes, lengthBytes);
        }
    }

    @Override
    public void write(long offsetBytes, ByteBuffer data) throws IOException {
        long position = offsetBytes;
        try {
            while (data.hasRemaining()) {
                position += channel.write(data, position);
            }
        } catch (ClosedChannelException e) {
            throw closed(e);
        } catch (IOException e) {
            // The JDK tells the reason by its text alone.
            if (String.valueOf(e.getMessage()).contains("No space left")) {
                throw new RequestFailedException(NbdError.ENOSPC, "no space left for image " + image);
            }
            throw e;
        }
    }

    @Override
    public void zero(long offsetBytes, long lengthBytes, ZeroMode mode) throws IOException {
        if (lengthBytes == 0) {
            return;
        }
        int how = mode.mayPunch() ? LinuxCalls.FALLOC_PUNCH_HOLE : LinuxCalls.FALLOC_ZERO_RANGE;
        if (descriptor.fallocate(how | LinuxCalls.FALLOC_KEEP_SIZE, offsetBytes, lengthBytes)) {
            return;
        }
        if (mode.mustBeFast()) {
            throw new RequestFailedException(
                    NbdError.ENOTSUP, "image " + image + " lies where zeroing isn't faster than writing");
        }
        for (long done = 0; done < lengthBytes; ) {
            int pieceBytes = (int) Math.min(ZERO_BYTES, lengthBytes - done);
            write(offsetBytes + done, ZEROES.slice(0, pieceBytes));
            done += pieceBytes;
        }
    }

    @Override
    public void trim(long offsetBytes, long lengthBytes) throws IOException {
        if (lengthBytes > 0) {
            int how = LinuxCalls.FALLOC_PUNCH_HOLE | LinuxCalls.FALLOC_KEEP_SIZE;
            // A trim is a wish: where holes can't be punched, nothing happens.
            boolean _ = descriptor.fallocate(how, offsetBytes, lengthBytes);
        }
    }

    @Override
    public void flush() throws IOException {
        lanes.flush();
    }

    /** A device has the size that it has: that it has another one by now is looked up. */
    @Override
    public boolean resize(long newBytes) throws IOException {
        boolean isFile = Files.isRegularFile(descriptor.procPath());
        if (isFile) {
            // FileChannel can't make a file longer without writing to it.
            try (RandomAccessFile file =
                    new RandomAccessFile(descriptor.procPath().toFile(), "rw")) {
                file.setLength(newBytes);
            }
        } else if (channel.size() != newBytes) {
            throw new RequestFailedException(
                    NbdError.ENOTSUP,
                    "device " + image + " has " + channel.size() + " bytes; expected " + newBytes
                            + ": resize the device itself before");
        }
        sizeBytes = newBytes;
        lanes.flush();
        return isFile;
    }

    @Override
    public List<StatusExtent> allocation(long offsetBytes, long lengthBytes, int extentsMax) throws IOException {
        List<StatusExtent> extents = new ArrayList<>();
        long endBytes = offsetBytes + lengthBytes;
        long position = offsetBytes;
        while (position < endBytes && extents.size() < extentsMax) {
            long dataBytes = descriptor.seek(LinuxCalls.SEEK_DATA, position, endBytes);
            boolean hole = dataBytes > position;
            long nextBytes = hole ? dataBytes : descriptor.seek(LinuxCalls.SEEK_HOLE, position, endBytes);
            long pieceBytes = Math.min(nextBytes - position, EXTENT_BYTES_MAX);
            extents.add(new StatusExtent(pieceBytes, hole ? StatusExtent.HOLE | StatusExtent.ZERO : 0));
            position += pieceBytes;
        }
        return extents;
    }

    @Override
    public void close() throws IOException {
        lanes.close();
        channel.close();
        descriptor.close();
    }

    private RequestFailedException closed(ClosedChannelException cause) {
        RequestFailedException closed = new RequestFailedException(NbdError.ESHUTDOWN, "image " + image + " is closed");
        closed.initCause(cause);
        return closed;
    }
}
