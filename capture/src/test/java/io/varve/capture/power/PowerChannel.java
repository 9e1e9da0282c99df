package io.varve.capture.power;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.Optional;

/** What reads and writes a file of a {@link PowerDisk}, or syncs a directory. */
final class PowerChannel extends FileChannel {
    private final PowerDisk disk;
    private final Path path;
    private final Optional<PowerFile> file;

    /** @param file empty of a directory */
    PowerChannel(PowerDisk disk, Path path, Optional<PowerFile> file) {
        this.disk = disk;
        this.path = path;
        this.file = file;
    }

    private PowerFile file() {
        disk.checkPower();
        return file.orElseThrow();
    }

    @Override
    public int read(ByteBuffer into, long positionBytes) {
        return file().read(into, positionBytes);
    }

    @Override
    public int write(ByteBuffer from, long positionBytes) {
        disk.operate();
        int count = from.remaining();
        file().write(from, positionBytes, System.currentTimeMillis());
        return count;
    }

    @Override
    public long size() {
        return file().sizeBytes();
    }

    @Override
    public FileChannel truncate(long sizeBytes) {
        disk.operate();
        file().truncate(sizeBytes, System.currentTimeMillis());
        return this;
    }

    @Override
    public void force(boolean metadata) throws IOException {
        if (file.isPresent()) {
            disk.force(String.valueOf(path.getFileName()), file.get(), metadata);
        } else {
            disk.forceNames(path);
        }
    }

    /** A copy: what is mapped for reading doesn't change any more. */
    @Override
    public MemorySegment map(MapMode mode, long offsetBytes, long lengthBytes, Arena arena) {
        if (!mode.equals(MapMode.READ_ONLY)) {
            throw new UnsupportedOperationException("only live sets are mapped for writing, which no power cut leaves");
        }
        MemorySegment copy =
                MemorySegment.ofArray(new long[(int) (lengthBytes + 7) / 8]).asSlice(0, lengthBytes);
        byte[] bytes = new byte[(int) lengthBytes];
        int _ = file().read(ByteBuffer.wrap(bytes), offsetBytes);
        MemorySegment.copy(MemorySegment.ofArray(bytes), 0, copy, 0, lengthBytes);
        return copy.asReadOnly();
    }

    @Override
    protected void implCloseChannel() {}

    @Override
    public int read(ByteBuffer into) {
        throw unused();
    }

    @Override
    public long read(ByteBuffer[] into, int offset, int length) {
        throw unused();
    }

    @Override
    public int write(ByteBuffer from) {
        throw unused();
    }

    @Override
    public long write(ByteBuffer[] from, int offset, int length) {
        throw unused();
    }

    @Override
    public long position() {
        throw unused();
    }

    @Override
    public FileChannel position(long positionBytes) {
        throw unused();
    }

    @Override
    public long transferTo(long positionBytes, long count, WritableByteChannel target) {
        throw unused();
    }

    @Override
    public long transferFrom(ReadableByteChannel source, long positionBytes, long count) {
        throw unused();
    }

    @Override
    public MappedByteBuffer map(MapMode mode, long positionBytes, long sizeBytes) {
        throw unused();
    }

    @Override
    public FileLock lock(long positionBytes, long sizeBytes, boolean shared) {
        throw unused();
    }

    @Override
    public FileLock tryLock(long positionBytes, long sizeBytes, boolean shared) {
        throw unused();
    }

    /** A file system may leave out what nobody asks of it; whoever begins to has to add it here. */
    private static UnsupportedOperationException unused() {
        return new UnsupportedOperationException("the agent's files are read and written at places, never like this");
    }
}
