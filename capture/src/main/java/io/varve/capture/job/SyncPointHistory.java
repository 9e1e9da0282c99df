package io.varve.capture.job;

import io.varve.core.drive.BackupKey;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Conclusion;
import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** How the latest sync points went, for those who ask later. Thread: guarded by the lock of {@link Jobs}. */
final class SyncPointHistory {
    private static final int SYNC_POINTS_MAX = 256;

    private final Map<SyncPointId, List<Entry>> known = new LinkedHashMap<>();

    private static final class Entry {
        private final Backup backup;
        private BackupProgress.State state = BackupProgress.State.RUNNING;
        private Optional<String> reason = Optional.empty();

        Entry(Backup backup) {
            this.backup = backup;
        }

        BackupProgress progress() {
            JobProgress progress = backup.progress();
            return new BackupProgress(backup.drive(), state, reason, progress.offsetBytes(), progress.lengthBytes());
        }
    }

    void started(Backup backup) {
        known.computeIfAbsent(backup.key().syncPoint(), _ -> new ArrayList<>()).add(new Entry(backup));
        if (known.size() > SYNC_POINTS_MAX) {
            known.remove(known.keySet().iterator().next());
        }
    }

    void concluded(DriveId drive, BackupKey key, Conclusion conclusion) {
        List<Entry> syncPoint = known.getOrDefault(key.syncPoint(), List.of());
        for (Entry entry : syncPoint) {
            if (entry.backup.drive().equals(drive) && entry.backup.key().equals(key)) {
                conclude(entry, conclusion);
                if (conclusion instanceof Conclusion.Cancelled) {
                    shareFate(entry, syncPoint);
                }
            }
        }
    }

    /**
     * Nobody cancelled a backup that was stopped since another of its group ended badly: it says what the other says.
     */
    private static void shareFate(Entry cancelled, List<Entry> syncPoint) {
        if (cancelled.backup.mark().completion() == Completion.INDIVIDUAL) {
            return;
        }
        syncPoint.stream()
                .filter(entry ->
                        entry.state == BackupProgress.State.ABORTED || entry.state == BackupProgress.State.FAILED)
                .findFirst()
                .ifPresent(because -> {
                    cancelled.state = because.state;
                    cancelled.reason = because.reason;
                });
    }

    private static void conclude(Entry entry, Conclusion conclusion) {
        entry.reason = switch (conclusion) {
            case Conclusion.Failed(String why) -> Optional.of(why);
            case Conclusion.Aborted(String why) -> Optional.of(why);
            case Conclusion.Committed _, Conclusion.Written _, Conclusion.Cancelled _ -> Optional.empty();
        };
        entry.state = switch (conclusion) {
            case Conclusion.Committed _ -> BackupProgress.State.COMMITTED;
            case Conclusion.Written _ -> BackupProgress.State.WRITTEN;
            case Conclusion.Aborted _ -> BackupProgress.State.ABORTED;
            case Conclusion.Failed _ -> BackupProgress.State.FAILED;
            case Conclusion.Cancelled _ -> BackupProgress.State.CANCELLED;
        };
    }

    Optional<List<BackupProgress>> of(SyncPointId syncPoint) {
        return Optional.ofNullable(known.get(syncPoint))
                .map(entries -> entries.stream().map(Entry::progress).toList());
    }
}
