package io.varve.cli.quickstart;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.OptionalLong;

/**
 * A drive's bytes as those who write it remember them. Blocks are never changed but replaced, so copies share them, and
 * a copy costs an array of references: the writers hardly pause for it.
 *
 * <p>Thread: blocks may be written by several threads, each its own ones; a copy wants that nobody writes.
 */
final class DriveModel {
    static final int BLOCK_BYTES = 64 * 1024;

    private static final byte[] ZEROS = new byte[BLOCK_BYTES];

    private final byte[][] blocks;

    private DriveModel(byte[][] blocks) {
        this.blocks = blocks;
    }

    /** A drive of zeros; its size is in whole blocks. */
    static DriveModel ofZeros(long sizeBytes) {
        byte[][] blocks = new byte[Math.toIntExact(sizeBytes / BLOCK_BYTES)][];
        Arrays.fill(blocks, ZEROS);
        return new DriveModel(blocks);
    }

    DriveModel copy() {
        return new DriveModel(blocks.clone());
    }

    int blockCount() {
        return blocks.length;
    }

    void write(long offsetBytes, ByteBuffer data) {
        ByteBuffer rest = data.duplicate();
        long at = offsetBytes;
        while (rest.hasRemaining()) {
            int block = (int) (at / BLOCK_BYTES);
            int within = (int) (at % BLOCK_BYTES);
            int lengthBytes = Math.min(rest.remaining(), BLOCK_BYTES - within);
            byte[] changed = blocks[block].clone();
            rest.get(changed, within, lengthBytes);
            blocks[block] = changed;
            at += lengthBytes;
        }
    }

    /** Whether the block has these bytes. */
    boolean matches(int block, ByteBuffer bytes) {
        return ByteBuffer.wrap(blocks[block]).equals(bytes);
    }

    /** The first byte in which a raw image of this size differs; empty when there is none. */
    OptionalLong firstDifference(Path raw) throws IOException {
        try (FileChannel channel = FileChannel.open(raw, StandardOpenOption.READ)) {
            long expectedBytes = (long) blocks.length * BLOCK_BYTES;
            if (channel.size() != expectedBytes) {
                return OptionalLong.of(Math.min(channel.size(), expectedBytes));
            }
            ByteBuffer bytes = ByteBuffer.allocate(BLOCK_BYTES);
            for (int block = 0; block < blocks.length; block++) {
                readBlock(channel, block, bytes);
                int difference = ByteBuffer.wrap(blocks[block]).mismatch(bytes);
                if (difference >= 0) {
                    return OptionalLong.of((long) block * BLOCK_BYTES + difference);
                }
            }
            return OptionalLong.empty();
        }
    }

    /** Fills {@code bytes}, of a block's length, with a block of a raw image. */
    static void readBlock(FileChannel raw, int block, ByteBuffer bytes) throws IOException {
        bytes.clear();
        long offsetBytes = (long) block * BLOCK_BYTES;
        while (bytes.hasRemaining()) {
            if (raw.read(bytes, offsetBytes + bytes.position()) < 0) {
                throw new IOException(
                        "a raw image ends at " + (offsetBytes + bytes.position()) + " bytes; expected more");
            }
        }
        bytes.flip();
    }
}
