package io.varve.restore;

import io.varve.archive.store.ObjectStore;
import io.varve.core.commit.ManifestRef;
import io.varve.core.id.DriveId;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;

/**
 * Restores sync points from an archive to raw images, and needs nothing but the archive. All drives asked for appear,
 * or none: a failure leaves no file behind. Thread: one restore at a time.
 */
public final class Restore {
    private final ObjectStore store;
    private final RestoreProgress progress;

    public Restore(ObjectStore store) {
        this(store, RestoreProgress.NONE);
    }

    /** A restore that says how far it is. */
    public Restore(ObjectStore store, RestoreProgress progress) {
        this.store = store;
        this.progress = progress;
    }

    /**
     * Restores a sync point.
     *
     * @param drive empty for all its drives
     * @param target a folder that exists or, for several drives, is made: {@code DRIVE.raw} each; else the file for the
     *     only drive
     * @throws IOException in one sentence
     */
    public List<RestoredDrive> run(String syncPoint, Optional<String> drive, Path target) throws IOException {
        SortedMap<DriveId, ManifestRef> chosen = new DriveChoice(store).choose(syncPoint, drive);
        boolean intoFolder = chosen.size() > 1 || Files.isDirectory(target);
        boolean madeFolder = intoFolder && makeFolder(target);
        try (Unfinished unfinished = new Unfinished()) {
            List<RestoredDrive> restored = new ArrayList<>();
            for (var entry : chosen.entrySet()) {
                Path file = intoFolder ? target.resolve(entry.getKey() + ".raw") : target;
                restored.add(restore(entry.getValue(), file, unfinished));
            }
            unfinished.appear();
            return restored;
        } catch (IOException | RuntimeException e) {
            if (madeFolder) {
                removeFolder(target);
            }
            throw e;
        }
    }

    private static boolean makeFolder(Path folder) throws IOException {
        if (Files.isDirectory(folder)) {
            return false;
        }
        try {
            Files.createDirectory(folder);
            return true;
        } catch (IOException e) {
            throw new RestoreFailedException(
                    "several drives are restored into a folder, but " + folder
                            + " can't be made: it's a file, or there is" + " no folder above it, or no permission",
                    e);
        }
    }

    /** Somebody else may have put something there. */
    private static void removeFolder(Path folder) throws IOException {
        try {
            Files.deleteIfExists(folder);
        } catch (DirectoryNotEmptyException e) {
            // It stays: what failed is told, and nothing of it is there.
        }
    }

    private RestoredDrive restore(ManifestRef head, Path file, Unfinished unfinished) throws IOException {
        Chain chain = Chain.verified(store, head);
        long sizeBytes = chain.head().image().sizeBytes();
        TargetFile target = unfinished.add(TargetFile.create(file, sizeBytes));
        long readBytes = new ParallelCopy(chain, new BatchReader(chain, target.channel()), progress).run();
        target.sync();
        return new RestoredDrive(chain.head().name().drive(), file, sizeBytes, chain.size(), readBytes);
    }

    /** The files that haven't got their names yet. */
    private static final class Unfinished implements AutoCloseable {
        private final Deque<TargetFile> targets = new ArrayDeque<>();

        TargetFile add(TargetFile target) {
            targets.push(target);
            return target;
        }

        void appear() throws IOException {
            Deque<TargetFile> there = new ArrayDeque<>();
            try {
                for (TargetFile target : targets) {
                    target.appear();
                    there.push(target);
                }
            } catch (IOException e) {
                for (TargetFile target : there) {
                    target.disappear();
                }
                throw e;
            }
        }

        @Override
        public void close() throws IOException {
            for (TargetFile target : targets) {
                target.close();
            }
        }
    }
}
