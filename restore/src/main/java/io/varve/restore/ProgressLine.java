package io.varve.restore;

import io.varve.core.id.DriveId;
import java.io.Console;
import java.io.PrintStream;
import java.util.Locale;
import java.util.Optional;
import java.util.function.LongSupplier;

/** One line of a terminal that tells how far a drive's restore is, how fast, and how long it will take. */
public final class ProgressLine implements RestoreProgress {
    private static final double MEBIBYTE = 1 << 20;
    private static final long PAUSE_NANOS = 200_000_000;
    private static final String CLEAR_LINE = "\r\u001b[K";

    private final PrintStream terminal;
    private final LongSupplier nanos;
    private Optional<DriveId> drive = Optional.empty();
    private long beganNanos;
    private long printedNanos;

    private ProgressLine(PrintStream terminal, LongSupplier nanos) {
        this.terminal = terminal;
        this.nanos = nanos;
    }

    /**
     * A line on {@code terminal} if this process has one; else nothing is told.
     *
     * @param nanos a clock that only goes forward
     */
    public static RestoreProgress forTerminal(PrintStream terminal, LongSupplier nanos) {
        boolean isTerminal =
                Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false);
        return isTerminal ? new ProgressLine(terminal, nanos) : RestoreProgress.NONE;
    }

    @Override
    public void reached(DriveId current, long doneBytes, long sizeBytes) {
        long nowNanos = nanos.getAsLong();
        if (!drive.equals(Optional.of(current))) {
            drive = Optional.of(current);
            beganNanos = nowNanos;
            printedNanos = nowNanos;
        }
        boolean isDone = doneBytes >= sizeBytes;
        if (!isDone && nowNanos - printedNanos < PAUSE_NANOS) {
            return;
        }
        printedNanos = nowNanos;
        terminal.print(CLEAR_LINE + (isDone ? "" : text(doneBytes, sizeBytes, (nowNanos - beganNanos) / 1e9)));
        terminal.flush();
    }

    private String text(long doneBytes, long sizeBytes, double seconds) {
        double rate = doneBytes / Math.max(0.001, seconds);
        return String.format(
                Locale.ROOT,
                "%s  %3d %%  %.1f MiB/s%s",
                drive.orElseThrow(),
                doneBytes * 100 / sizeBytes,
                rate / MEBIBYTE,
                rate > 0 ? String.format(Locale.ROOT, ", %.0f s left", (sizeBytes - doneBytes) / rate) : "");
    }
}
