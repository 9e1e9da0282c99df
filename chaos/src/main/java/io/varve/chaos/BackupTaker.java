package io.varve.chaos;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;

/**
 * Takes backups one after another while a round's faults happen: grouped ones, individual ones, some of one drive only.
 * Thread: one of its own.
 */
final class BackupTaker {
    private static final long RETRY_MILLIS = 50;

    private final Backups backups;
    private final List<String> drives;
    private final SplittableRandom random;
    private final List<Cut> cuts = new ArrayList<>();
    private final Thread thread;
    private volatile boolean stopped;

    private BackupTaker(Backups backups, List<String> drives, SplittableRandom random) {
        this.backups = backups;
        this.drives = List.copyOf(drives);
        this.random = random;
        this.thread = Thread.ofPlatform().daemon().name("backups").unstarted(this::run);
    }

    static BackupTaker start(Backups backups, List<String> drives, SplittableRandom random) {
        BackupTaker taker = new BackupTaker(backups, drives, random);
        taker.thread.start();
        return taker;
    }

    private void run() {
        try {
            while (!stopped) {
                Optional<Cut> cut = backups.take(request());
                cut.ifPresent(cuts::add);
                if (cut.isEmpty() || cut.get().ending() instanceof Cut.Ending.Refused) {
                    TimeUnit.MILLISECONDS.sleep(RETRY_MILLIS);
                }
            }
        } catch (InterruptedException e) {
            // The round failed for another reason.
            Thread.currentThread().interrupt();
        }
    }

    private Cut.Request request() {
        return switch (random.nextInt(4)) {
            case 0 -> new Cut.Request(List.of(), false, false);
            case 1 -> new Cut.Request(List.of(drives.get(random.nextInt(drives.size()))), false, false);
            default -> new Cut.Request(List.of(), true, false);
        };
    }

    /** Waits for the end of the last backup; all that were taken. */
    List<Cut> stop() throws InterruptedException {
        stopped = true;
        thread.join();
        return List.copyOf(cuts);
    }

    /** Ends without waiting for the last backup. */
    void abandon() {
        stopped = true;
        thread.interrupt();
    }
}
