package io.varve.cli.backup;

import java.io.PrintStream;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/** One line of a terminal that tells how much is copied, how fast, and how long it will take. Thread: its owner's. */
public final class ProgressLine implements Consumer<List<DriveStatus>>, AutoCloseable {

    private static final double MEBIBYTE = 1 << 20;
    private static final String CLEAR_LINE = "\r\u001b[K";

    private final PrintStream terminal;
    private final InstantSource clock;
    private final long sinceMillis;

    public ProgressLine(PrintStream terminal, InstantSource clock) {
        this.terminal = terminal;
        this.clock = clock;
        sinceMillis = clock.millis();
    }

    @Override
    public void accept(List<DriveStatus> drives) {
        terminal.print(CLEAR_LINE + text(drives, Duration.ofMillis(clock.millis() - sinceMillis)));
        terminal.flush();
    }

    static String text(List<DriveStatus> drives, Duration elapsed) {
        long copied = drives.stream().mapToLong(DriveStatus::copiedBytes).sum();
        long total = Math.max(
                copied, drives.stream().mapToLong(DriveStatus::totalBytes).sum());
        double seconds = Math.max(0.001, elapsed.toMillis() / 1000.0);
        double rate = copied / seconds;
        var left = rate > 0 ? String.format(Locale.ROOT, ", %.0f s left", (total - copied) / rate) : "";
        return String.format(
                Locale.ROOT,
                "%3d %%  %.1f of %.1f MiB, %.1f MiB/s%s",
                total == 0 ? 100 : copied * 100 / total,
                copied / MEBIBYTE,
                total / MEBIBYTE,
                rate / MEBIBYTE,
                left);
    }

    /** Leaves the line empty. */
    @Override
    public void close() {
        terminal.print(CLEAR_LINE);
        terminal.flush();
    }
}
