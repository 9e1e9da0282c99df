package io.varve.capture.backend;

import io.varve.formats.nbd.NbdError;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Flushes of one image, several at a time.
 *
 * <p>The kernel reports a failed write-back once to each open file description. Two flushes at once through one of them
 * could both cover a lost write and only one be told. So each lane has a description of its own, and takes one flush at
 * a time. After a failure nothing that was written before can be trusted to reach the disk, whatever a later fdatasync
 * says (the pages are clean by then): all further flushes fail, as QEMU's do.
 *
 * <p>Safe for any thread.
 */
final class FlushLanes implements AutoCloseable {
    private static final int LANES = 8;

    private record Lane(FileChannel channel, ReentrantLock lock) {}

    private final Path image;
    private final List<Lane> lanes = new ArrayList<>();
    private volatile boolean failed;

    private FlushLanes(Path image) {
        this.image = image;
    }

    /** Opens the file behind {@code path} anew for each lane. */
    static FlushLanes open(Path image, Path path, BackendAccess access) throws IOException {
        FlushLanes lanes = new FlushLanes(image);
        StandardOpenOption option =
                access == BackendAccess.READ_WRITE ? StandardOpenOption.WRITE : StandardOpenOption.READ;
        try {
            for (int index = 0; index < LANES; index++) {
                lanes.lanes.add(new Lane(FileChannel.open(path, option), new ReentrantLock()));
            }
            return lanes;
        } catch (IOException e) {
            lanes.close();
            throw e;
        }
    }

    /** Makes durable whatever was completed before the call. */
    void flush() throws IOException {
        Lane lane = take();
        try {
            checkSound();
            lane.channel().force(false);
            // Another lane's failure may be of what this one covers.
            checkSound();
        } catch (ClosedChannelException e) {
            throw closed(e);
        } catch (IOException e) {
            failed = true;
            throw e;
        } finally {
            lane.lock().unlock();
        }
    }

    /** A free lane, locked; else one that will be. */
    private Lane take() {
        int first = (int) (Thread.currentThread().threadId() % LANES);
        for (int index = 0; index < LANES; index++) {
            Lane lane = lanes.get((first + index) % LANES);
            if (lane.lock().tryLock()) {
                return lane;
            }
        }
        Lane lane = lanes.get(first);
        lane.lock().lock();
        return lane;
    }

    private void checkSound() throws IOException {
        if (failed) {
            throw new IOException("an earlier flush of image " + image
                    + " failed, so writes may be lost that were acknowledged; check the disk below, then start the"
                    + " agent again");
        }
    }

    private RequestFailedException closed(ClosedChannelException cause) {
        RequestFailedException closed = new RequestFailedException(NbdError.ESHUTDOWN, "image " + image + " is closed");
        closed.initCause(cause);
        return closed;
    }

    @Override
    public void close() throws IOException {
        for (Lane lane : lanes) {
            lane.channel().close();
        }
    }
}
