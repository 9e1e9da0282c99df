package io.varve.capture.backend.qcow2;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.BackendAccess;
import io.varve.capture.backend.RawFileBackend;
import io.varve.capture.backend.RequestFailedException;
import io.varve.capture.backend.ZeroMode;
import io.varve.formats.nbd.NbdError;
import io.varve.formats.qcow2.Malformed;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The file or device that an image lies in. It may grow; behind its end it reads as zeros.
 *
 * <p>Safe for any thread.
 */
final class ImageFile implements Closeable {
    private final Path path;
    private final Backend file;
    private final AtomicLong lengthBytes;
    private final SharedSync sync;

    /** The image lies in {@code file}; {@code path} is what messages call it. */
    ImageFile(Path path, Backend file) {
        this.path = path;
        this.file = file;
        lengthBytes = new AtomicLong(file.sizeBytes());
        sync = new SharedSync(path, file);
    }

    static ImageFile open(Path path, BackendAccess access) throws IOException {
        return new ImageFile(path, RawFileBackend.openOfAnySize(path, access));
    }

    long lengthBytes() {
        return lengthBytes.get();
    }

    /** Fills {@code into}. */
    void read(long offsetBytes, ByteBuffer into) throws IOException {
        long inFile = Math.clamp(lengthBytes.get() - offsetBytes, 0, into.remaining());
        int limit = into.limit();
        into.limit(into.position() + (int) inFile);
        if (inFile > 0) {
            file.read(offsetBytes, into);
        }
        into.limit(limit);
        Zeroes.fill(into);
    }

    void write(long offsetBytes, ByteBuffer data) throws IOException {
        long endBytes = offsetBytes + data.remaining();
        sync.checkUsable();
        file.write(offsetBytes, data);
        lengthBytes.accumulateAndGet(endBytes, Math::max);
    }

    /** Makes the file at least so long. */
    void growTo(long bytes) throws IOException {
        if (lengthBytes.get() < bytes) {
            write(bytes - 1, ByteBuffer.allocate(1));
        }
    }

    /** Makes a range read as zeros, and gives its space back where that's possible. */
    void clear(long offsetBytes, long rangeBytes) throws IOException {
        sync.checkUsable();
        file.zero(offsetBytes, rangeBytes, ZeroMode.MAY_PUNCH);
    }

    /** Gives a range's space back where that's possible; nobody may need what it holds. */
    void discard(long offsetBytes, long rangeBytes) throws IOException {
        sync.checkUsable();
        file.trim(offsetBytes, rangeBytes);
    }

    /** Makes durable what was written before. */
    void sync() throws IOException {
        sync.run();
    }

    /** An error that names the image. */
    IOException error(String clause) {
        return new IOException("image " + path + " " + clause);
    }

    RequestFailedException failed(NbdError error, String clause) {
        return new RequestFailedException(error, "image " + path + " " + clause);
    }

    IOException error(Malformed reason) {
        return error(reason.message());
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
