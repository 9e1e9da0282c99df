package io.varve.cli.stack;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.StandardOpenOption;

/** The right to run a stack in a folder; it ends with the process at the latest. */
final class FolderLock implements AutoCloseable {

    private final FileChannel channel;

    private FolderLock(FileChannel channel) {
        this.channel = channel;
    }

    /**
     * Takes it.
     *
     * @throws IOException in one sentence when another stack has it
     */
    static FolderLock take(StackFolder folder) throws IOException {
        var channel = FileChannel.open(folder.lock(), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            if (isTaken(channel)) {
                throw new IOException("Another 'varve up' runs in " + folder.root()
                        + "; end that one, or name another folder with --data");
            }
            return new FolderLock(channel);
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    private static boolean isTaken(FileChannel channel) throws IOException {
        try {
            return channel.tryLock() == null;
        } catch (OverlappingFileLockException e) {
            return true;
        }
    }

    /** The file stays: who waits for it must not get one that is gone. */
    @Override
    public void close() throws IOException {
        channel.close();
    }
}
