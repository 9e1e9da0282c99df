package io.varve.cli.quickstart;

import io.varve.archive.Manifest;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;

/** The table that the quickstart ends with. */
final class Report {
    private static final String ROW = "  %-27s %-8s %-5s %9s %9s %7s  %s%n";
    private static final double MEBIBYTE = 1 << 20;

    private final PrintStream out;

    Report(PrintStream out) {
        this.out = out;
    }

    void print(List<VerifiedDrive> drives) {
        out.println();
        out.printf(Locale.ROOT, ROW, "SYNC POINT", "DRIVE", "KIND", "DIRTY", "STORED", "TIME", "VERDICT");
        for (VerifiedDrive drive : drives) {
            Manifest manifest = drive.manifest();
            out.printf(
                    Locale.ROOT,
                    ROW,
                    drive.syncPoint().id(),
                    manifest.name().drive(),
                    manifest.name().isFull() ? "full" : "incr",
                    mebibytes(manifest.name().isFull() ? manifest.image().sizeBytes() : dirtyBytes(manifest)),
                    mebibytes(manifest.data().lengthBytes()),
                    String.format(
                            Locale.ROOT, "%.1f s", drive.syncPoint().duration().toMillis() / 1e3),
                    drive.objection().map(reason -> "WRONG: " + reason).orElse(drive.finding()));
        }
        out.println();
    }

    private static long dirtyBytes(Manifest manifest) {
        return manifest.cut().map(cut -> cut.dirt().dirtyBytes()).orElse(0L);
    }

    private static String mebibytes(long bytes) {
        return String.format(Locale.ROOT, "%.1f MiB", bytes / MEBIBYTE);
    }
}
